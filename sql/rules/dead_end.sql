-- id: dead_end
-- version: 1
-- issue_type: incomplete_solution
-- severity: minor
-- language: en, zh
-- finds: The conversation ends on a refusal that offers nothing: no reason, no other way, no question.
-- grain: one conversation
-- inputs: replies
-- parameters: refusal = "^(i m |i am |we are |we re )?(sorry|unfortunately|afraid|apologies)?.{0,40}\\b(can ?not|can t|could ?n t|could not|unable to|not able to|not possible|impossible)\\b|(无法|不能|没办法|办不到)"; way = "\\b(but|however|instead|can|could|may|might|would|if|because|since|please|try|offer|alternativ|contact|call|transfer|visit|recommend|suggest|until|only|due|let me|anything else|another|other)\\b|但|不过|可以|如果|因为|请|建议|联系|还有|其他"
SELECT conversation_id, turn, content AS quote, 'nothing follows the refusal' AS evidence
FROM replies
WHERE is_last
    AND regexp_matches(norm, $refusal)
    AND NOT regexp_matches(content, '[?？]')
    AND NOT regexp_matches(replace(replace(norm, 'can not', ''), 'can t', ''), $way)
