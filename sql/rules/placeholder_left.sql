-- id: placeholder_left
-- version: 1
-- issue_type: incomplete_solution
-- severity: minor
-- language: any
-- finds: A reply with a slot of its template that was never filled in, such as {name} or [Customer Name]; marks that redaction
--     leaves do not count.
-- grain: one reply
-- inputs: replies
-- parameters: slot = "(?:^|\\s)\\{\\{?\\s*[A-Za-z_][A-Za-z_. ]{1,30}\\}\\}?|\\[(?:(?:Your|Customer|User|Insert|Order|Agent|Company|Date|First|Last|Full)[ _][A-Za-z _]{2,30}|Name|Date|Amount|NAME|DATE|XX+)\\](?:[^(]|$)|<(?:your|customer|insert)[ _][a-z _]{2,30}>|\\$\\{[a-z_]+\\}|【(?:姓名|客户姓名|订单号|日期|金额)】"
SELECT conversation_id, turn, regexp_extract(trim(regexp_extract(content, $slot)), '^[^\]}>】]+[\]}>】]+') AS quote, 'a slot that was not filled in' AS evidence
FROM replies
WHERE regexp_matches(content, $slot)
