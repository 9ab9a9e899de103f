-- id: injection_attempt
-- version: 1
-- issue_type: policy_violation
-- severity: minor
-- language: en, zh
-- finds: Words in what a user says, or in what a tool gives back, that try to instruct the model or its judge: a flag for the
--     turn that has them, not a fault of the reply.
-- grain: one turn
-- inputs: turns
-- parameters: attempt = "(ignore|disregard|forget|override) (all |any |the |your |these |those )*(previous|prior|above|earlier|preceding|system|initial) (instruction|prompt|message|rule|direction|context|polic)[a-z]*|(reveal|show|print|repeat|output|tell me) (me )?(your|the) (system|hidden|initial|secret) (prompt|instruction|message)s?|you are now (a|an|in|dan|no longer)|(enter|enable|activate) (developer|jailbreak|dan|god|admin) mode|act as (if you (are|were|have)|an? unrestricted)|(mark|label|rate|judge|score|classify) (this|the) (conversation|reply|dialogue|case) (as )?(solved|good|satisfied|resolved)|(忽略|无视|忘记|不要理会)(掉|之前|以上|前面|上面|所有|你|的|一切|全部)*(指令|指示|提示|规则|要求|设定)|(输出|显示|告诉我|泄露)你?的?(系统提示|系统指令|提示词)|(进入|开启)(开发者|越狱|管理员)模式"
SELECT conversation_id, turn, regexp_extract(content, '(?i)' || $attempt) AS quote, 'words of a ' || role || ' that instruct the model' AS evidence
FROM turns
WHERE role IN ('user', 'tool') AND regexp_matches(content, '(?i)' || $attempt)
