-- grain: one knowledge unit
-- inputs: knowledge
-- relation: known_titles
-- scope: knowledge
-- what: The titles of the knowledge base as a question might name them: in lower case, without punctuation. `words` is how many.
SELECT DISTINCT title, norm, len(string_split(norm, ' ')) AS words
FROM (SELECT title, trim(regexp_replace(lower(title), '[\p{P}\p{S}\s]+', ' ', 'g')) AS norm FROM knowledge)
WHERE norm <> ''
