-- id: greeted_again
-- version: 1
-- issue_type: script_repetition
-- severity: minor
-- language: en, zh
-- finds: A greeting with an offer of help, as opens a conversation, in the middle of one that is well under way.
-- grain: one reply
-- inputs: replies
-- parameters: greeting = "^(hello|hi|hey|welcome|good (morning|afternoon|evening))\\b.{0,60}\\b(how (can|may) i (help|assist)|what can i (do|help))|^(您好|你好).{0,20}(有什么可以帮|请问有什么|很高兴为您)"; not_before = 6; user_greets = "^(hello|hi|hey|good (morning|afternoon|evening)|are you (there|still there)|您好|你好|在吗)"
SELECT conversation_id, turn, content AS quote, 'the conversation began ' || turn || ' turns before' AS evidence
FROM replies
WHERE turn >= $not_before
    AND user_turn >= 2
    AND regexp_matches(norm, $greeting)
    AND NOT regexp_matches(user_norm, $user_greets)
