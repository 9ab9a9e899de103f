-- id: repeated_reply
-- version: 1
-- issue_type: script_repetition
-- severity: major
-- finds: A reply that was already given, word for word, earlier in the same conversation.
-- grain: one repeated reply
-- inputs: replies
-- parameters: min_chars = 16; pleasantries = "anything else|welcome|hello|thank|bye|how (can|may) i help|one moment|great|祝您|不客气|您好|再见|还有(什么|其他)"
SELECT
    conversation_id,
    turn,
    content AS quote,
    'same as turn ' || min(turn) OVER same AS evidence
FROM replies
WHERE strlen(norm) >= $min_chars AND NOT regexp_matches(norm, $pleasantries)
WINDOW same AS (PARTITION BY conversation_id, norm ORDER BY turn)
QUALIFY row_number() OVER same > 1
