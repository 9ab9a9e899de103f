-- grain: one row
-- inputs: knowledge
-- relation: known
-- scope: knowledge
-- what: The whole knowledge base as one lower-case text, and how many units it has. Computed once, for all conversations.
SELECT coalesce(string_agg(lower(concat_ws(' ', title, content)), ' '), '') AS text, count(*) AS units FROM knowledge
