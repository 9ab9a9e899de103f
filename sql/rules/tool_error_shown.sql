-- id: tool_error_shown
-- version: 1
-- issue_type: action_mismatch
-- severity: minor
-- language: any
-- finds: A reply that shows the customer the error of a program: a stack trace, an exception, an HTTP status, a value that was
--     never filled in.
-- grain: one reply
-- inputs: replies
-- parameters: error = "Traceback \\(most recent|\\b[A-Z][A-Za-z]*(Error|Exception)\\b ?[:(]|(?i:\\b(http|status|error)( code)?:? ?(4[0-2][0-9]|50[0-4])\\b)|\\b(NaN|undefined|NoneType|null pointer|ECONNREFUSED|ETIMEDOUT)\\b|(?i:\\bstack ?trace\\b)|(?i:\\b(is|are|:) (null|none)\\b[.,!]?$)"
SELECT conversation_id, turn, regexp_extract(content, $error) AS quote, 'an error of a program' AS evidence
FROM replies
WHERE regexp_matches(content, $error)
