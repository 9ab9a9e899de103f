-- id: leaked_markup
-- version: 1
-- issue_type: policy_violation
-- severity: minor
-- language: any
-- finds: A reply that shows the customer what is between model and machine: a tool call or its JSON, chat template marks, or
--     the words of the system prompt.
-- grain: one reply
-- inputs: replies
-- parameters: marks = "<\\|[a-z_]+\\|>|</?(tool_call|function_call|tool_response|think|system|assistant)>|\\{\\s*\"(name|function|tool|action|arguments|role)\"\\s*:|\\[/?INST\\]|(?i:\\b(my|the) (system prompt|system message|hidden instructions)\\b)|(系统提示词|系统指令)"
SELECT conversation_id, turn, regexp_extract(content, $marks) AS quote, 'marks of the machine' AS evidence
FROM replies
WHERE regexp_matches(content, $marks)
