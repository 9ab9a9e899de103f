"""English words that are also names: as a name they count only where they are written as one.

What belongs here: the list. What does not: how it is used (`names`).
"""

from typing import Final

COMMON_WORDS: Final = frozenset(
    """
    ace airport alto amber an and angel april are arm art as ash at august aurora austin autumn baker ball bank banks bar
    barber bass bat bay bea bean bear bee bell best bill birch bird bishop black bliss blue bond book booker booth bow box
    brand bridge bridges brook brooks brown buck bud buddy bull burn burns bush butler buy by can candy care carter case
    cash cat cave chance chandler chapel charity chase cherry china chip christian christmas chuck church city clay close
    coffin coin cole cook cooper coral cotton cove cox crane cross cruise crystal curry daisy dawn day days dear dee dime
    ding do don drake dream drew dude duke dusk dusty eagle earl early east easter em english even ever faith fan fern field
    fields fin fish flint flower flowers ford forest fox frank free french frost gardener gay general gentle georgia german
    gift gill ginger glass gold golden good grace grant gray green grey grove guy hall hand hands hardy hart haven hay hazel
    he head heath heather heaven henna her hill him his ho holiday holly home honey hood hope house hu hung hunt hunter i in
    india iris iron is it ivory ivy jade jasmine jay jet jewel job joy judge june just justice key kid king kit knight lake
    lamb lance land lane lark laurel law left lily lime lin link lion long lord lot lots love low luck lucky ma mae main
    major male man many march marina mark marks marshal mason master may me mercy merit merry miles mill miller min mine
    mint miss mist mo monday moon moor more morning moss most much my nail new news nick nigh noble noon norm north now oak
    ocean of oh olive on one or orange out page pan pansy park parker parks patience pay peace pearl pen penny pepper perry
    pierce place plain pool poor pope porter post pound power precious price pride prince princess prudence queen rain
    rainbow ram ran rand ranger raven read red reed reef rice rich ride ring rip river robin rock rod roman rose row royal
    ruby rue run rush russet rusty sad sage sail saint sand sandy sat savage saw say scarlet scout sea see self shade she
    shell short show silver sir skip sky slate small smart smith snow so son song south spring star stark starr state
    sterling stew stone storm story strange street strong summer sun sunday sunny surname swan sweet tab tailor tan tanner
    tea temple tern the tiger time to tong trace travel tree tripp true trust turner twig underwood up us vale valley van
    vance victory violet virgin wade walk walker wall war ward washington water waters way we weaver web webb week well
    wells west wheat wheeler white wild will willow win winter wise wolf wood woods worth wren wright yes york you young
    """.split()
)
"""Lower case; also the words of two letters that names such as An, Do, He and My share."""
