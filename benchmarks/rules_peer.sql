-- Six rules by hand: text is made plain only where people speak, lists are compared by their hashes and sizes first, repetition is a
-- hash group and no window.
WITH turns AS MATERIALIZED (
    SELECT c, turn, message.role AS role, message.content AS content
    FROM (
        SELECT file_row_number AS c, unnest(messages) AS message, generate_subscripts(messages, 1) AS turn
        FROM read_parquet($file, file_row_number = TRUE)
    )
    WHERE message.content IS NOT NULL
),
spoken AS MATERIALIZED (
    SELECT c, turn, role, content, trim(regexp_replace(lower(content), '[^a-z0-9]+', ' ', 'g')) AS norm FROM turns WHERE role <> 'tool'
),
replies AS MATERIALIZED (
    SELECT
        c,
        turn,
        norm,
        hash(norm) AS h,
        strlen(norm) AS size,
        right(content, 1) AS ends,
        CASE WHEN regexp_matches(content, '\d') THEN regexp_extract_all(content, '\d+') END AS numbers
    FROM spoken
    WHERE role = 'assistant' AND norm <> ''
),
repeated AS (
    SELECT c, h, any_value(size) AS size, any_value(ends) AS ends FROM replies GROUP BY c, h HAVING count(*) > 1
),
sets AS MATERIALIZED (
    SELECT *, len(terms) AS many
    FROM (SELECT c, turn, h, hash(numbers) AS n, list_distinct(string_split(norm, ' ')) AS terms FROM replies WHERE size >= 24)
),
near AS (
    SELECT DISTINCT later.c, later.turn
    FROM sets AS later
    JOIN sets AS earlier
        ON earlier.c = later.c
        AND earlier.n = later.n
        AND earlier.turn < later.turn
        AND earlier.h <> later.h
        AND earlier.many >= 0.9 * later.many
        AND later.many >= 0.9 * earlier.many
    WHERE len(list_intersect(earlier.terms, later.terms)) * 1.9 >= 0.9 * (earlier.many + later.many)
),
stated AS (
    SELECT DISTINCT c, turn, unnest(numbers) AS number FROM replies WHERE numbers IS NOT NULL
),
known AS (
    SELECT c, unnest(regexp_extract_all(content, '\d+')) AS number, turn FROM turns WHERE role <> 'assistant' AND regexp_matches(content, '\d')
)
SELECT 'repetition' AS rule, count(*) AS findings FROM repeated WHERE size >= 16
UNION ALL
SELECT 'question', count(*) FROM repeated WHERE ends = '?'
UNION ALL
SELECT 'near repetition', count(*) FROM near
UNION ALL
SELECT 'shape', count(*) FROM turns WHERE strlen(content) > 2000 OR (role = 'assistant' AND content = '')
UNION ALL
SELECT 'complaint', count(*)
FROM spoken
WHERE role = 'user'
    AND regexp_matches(norm, 'useless|worst|terrible|awful|horrible|ridiculous|unacceptable|pathetic|stupid|idiot|incompetent|fed up|waste of|angry|annoyed|frustrat|disappoint|shut up|not helpful|how many times')
UNION ALL
SELECT 'ungrounded', count(*)
FROM stated
ANTI JOIN known ON known.c = stated.c AND known.number = stated.number AND known.turn < stated.turn
WHERE length(stated.number) > 1
