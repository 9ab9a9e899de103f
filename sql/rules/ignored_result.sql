-- id: ignored_result
-- version: 1
-- issue_type: knowledge_misuse
-- severity: minor
-- language: en, zh
-- finds: A reply that says nothing was found right after a tool had given back a list with something in it.
-- grain: one reply
-- inputs: calls, replies
-- parameters: denial = "\\b(there (are|is) no|(could|can)( not|n t) find any|did( not|n t) find any|no (results|matches|options|flights|hotels|restaurants|products|orders) (were |was )?(found|available|match))\\b|没有(找到|查到|搜索到)(任何|相关|符合)|未(找到|查到)"; but = "\\b(other|else|more|another|additional|direct|cheaper|that|which|with|under|below|matching|for|in|on)\\b|其他|更|直飞|符合"
SELECT replies.conversation_id, replies.turn, any_value(replies.content) AS quote, 'the tool gave something at turn ' || max(result_turn) AS evidence
FROM replies
JOIN calls ON calls.conversation_id = replies.conversation_id AND calls.result_turn = replies.turn - 1
WHERE regexp_matches(replies.norm, $denial)
    AND NOT regexp_matches(regexp_replace(replies.norm, $denial, ' ', 'g'), $but)
    AND NOT calls.failed
    AND regexp_matches(calls.result, '^\s*\[\s*[{\["\d]')
GROUP BY replies.conversation_id, replies.turn
