-- id: no_apology
-- version: 3
-- issue_type: poor_empathy
-- severity: major
-- language: en, zh
-- finds: An upset user whose next answer neither apologises nor acknowledges it.
-- grain: one reply
-- inputs: users
-- parameters: upset = "angry|terrible|awful|unacceptable|ridiculous|frustrat|annoyed|worst|useless|fed up|disappointed|气死|生气|太差|垃圾|投诉|失望|离谱|受不了"; calm = "(not|never|no longer|isn t|aren t|wasn t) (\\w+ )?(angry|upset|annoyed|frustrated|disappointed)|(不|没)(生气|失望|投诉)"; apology = "sorry|apolog|understand|regret|my bad|inconvenience|抱歉|对不起|不好意思|理解您|非常遗憾|给您添麻烦"
SELECT conversation_id, answer_turn AS turn, any_value(answer) AS quote, 'the user was upset at turn ' || min(turn) AS evidence
FROM users
WHERE answer_turn IS NOT NULL
    AND regexp_matches(regexp_replace(norm, $calm, ' ', 'g'), $upset)
    AND NOT regexp_matches(answer_norm, $apology)
GROUP BY conversation_id, answer_turn
