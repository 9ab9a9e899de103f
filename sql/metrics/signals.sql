-- grain: one conversation
-- inputs: conversations (the day), turns (of the day), replies (of the day), later (user_id, scenario, started_at of this and the next day)
-- what: Satisfaction signals. Explicit ratings decide alone; without one the implicit signals do. A conversation without any signal is
--     neither satisfied nor dissatisfied, with a satisfied_score of 0.5. Replace this file to define USM by other signals.
--     Abandoned: the conversation ends on the user's open question or refusal. A repeat contact is the same customer with the same
--     scenario again within $repeat_hours of the end, who had not thanked; a customer with more than $max_contacts contacts around
--     that time is a machine or a tester, and says nothing. Thanks are read from the last words only; "no thanks", "thanks anyway"
--     and thanks beside a complaint are none. A repeated reply is the same as an earlier one, or nearly so with the same numbers:
--     other numbers are other information.
-- parameters: human = "(talk|speak|connect|transfer|put).{0,20}\\b(human|person|agent|representative|manager|supervisor)\\b|(give|get|want|need).{0,20}\\b(human|agent|representative|manager|supervisor)\\b|(real|human|live) (person|agent|being)|(转|找|要|换|叫).{0,4}(人工|真人|经理)|人工(客服|服务)";
--     complaint = "useless|worst|terrible|awful|horrible|ridiculous|unacceptable|outrage|pathetic|stupid|idiot|dumb|incompetent|(this|that|you|it) sucks?|fuck|shit|(what the|go to) hell|shut up|get lost|busted|wast(e|ing) (of |my )*time|(really|so|very|getting|am|m) (angry|annoyed|frustrat|disappoint|upset|fed up)|frustrating|annoying|not helpful|no help|are you (even|kidding|deaf|listening)|i (just|already) (told|said|gave|answered)|how many times|not working right|for the love of god|thanks for nothing|气死|太差|垃圾|投诉|受不了|浪费时间|没用|差评|生气|失望|离谱|说了(多少|好几)遍|什么态度";
--     mild = "\\b(not|isn t|wasn t|aren t) (so |that |too |really |all that )?(terrible|awful|horrible|ridiculous|stupid|dumb|annoying|frustrating|annoyed|angry|upset|disappointed)";
--     decline = "\\bno (thanks|thank you|thx)\\b|\\bthank(s| you) any(way|ways|how)|(不用|不了)谢*谢*";
--     thanks = "\\b(thank|thx|appreciate|great\\b|perfect|awesome|wonderful|excellent|amazing)|谢谢|感谢|多谢|谢[了啦您你]|^谢$|太好了|棒|完美";
--     unmet = "not what i|does not help|doesn t help|did not help|didn t help|still not|still doesn t|never ?mind|forget it|whatever|myself|somewhere else|算了|没解决|还是不行|解决不了"; repeat_hours = 24; max_contacts = 3; satisfied_csat = 4; dissatisfied_csat = 2; repeat_similarity = 0.9
WITH users AS (
    SELECT
        conversation_id,
        bool_or(regexp_matches(norm, $human)) AS asked_for_human,
        bool_or(regexp_matches(regexp_replace(norm, $mild, ' ', 'g'), $complaint)) AS complained,
        regexp_replace(arg_max(norm, turn), $decline, ' ', 'g') AS last_words,
        arg_max(content, turn) AS last_content
    FROM turns
    WHERE role = 'user' AND norm <> ''
    GROUP BY conversation_id
),
ends AS (
    SELECT conversation_id, arg_max(role, turn) AS last_role FROM turns GROUP BY conversation_id
),
contacts AS (
    SELECT
        *,
        min(started_at) OVER (
            PARTITION BY user_id, scenario ORDER BY started_at
            RANGE BETWEEN INTERVAL 1 MICROSECOND FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS next_at,
        count(*) OVER (
            PARTITION BY user_id, scenario ORDER BY started_at
            RANGE BETWEEN to_hours($repeat_hours) PRECEDING AND to_hours($repeat_hours) FOLLOWING
        ) AS nearby
    FROM later
),
said AS (
    SELECT conversation_id, norm, strlen(norm) AS size, count(*) AS times, any_value(numbers) AS numbers
    FROM replies
    GROUP BY conversation_id, norm
),
repeated AS (
    SELECT conversation_id FROM said WHERE times > 1
    UNION
    SELECT one.conversation_id
    FROM said AS one
    JOIN said AS other
        ON other.conversation_id = one.conversation_id
        AND other.norm > one.norm
        AND other.numbers = one.numbers
        AND other.size >= $repeat_similarity * one.size
        AND one.size >= $repeat_similarity * other.size
    WHERE greatest(one.size, other.size) < 2000
        AND levenshtein(one.norm, other.norm) <= (1 - $repeat_similarity) * greatest(length(one.norm), length(other.norm))
),
signals AS (
    SELECT
        conversations.dt,
        conversations.conversation_id,
        conversations.user_id,
        conversations.scenario,
        conversations.feedback.thumb AS thumb,
        conversations.feedback.score AS score,
        coalesce(users.asked_for_human, FALSE) AS asked_for_human,
        coalesce(users.complained, FALSE) AS complained,
        coalesce(
            ends.last_role = 'user'
            AND (regexp_matches(users.last_content, '[?？]\s*$') OR regexp_matches(users.last_words, $unmet)),
            FALSE
        ) AS abandoned,
        coalesce(
            contacts.next_at <= conversations.ended_at + to_hours($repeat_hours)
            AND contacts.nearby <= $max_contacts
            AND NOT regexp_matches(coalesce(users.last_words, ''), $thanks),
            FALSE
        ) AS repeat_contact,
        coalesce(
            regexp_matches(users.last_words, $thanks)
            AND NOT regexp_matches(users.last_words, $unmet)
            AND NOT regexp_matches(regexp_replace(users.last_words, $mild, ' ', 'g'), $complaint),
            FALSE
        ) AS thanked,
        repeated.conversation_id IS NOT NULL AS repeated_reply
    FROM conversations
    LEFT JOIN users USING (conversation_id)
    LEFT JOIN ends USING (conversation_id)
    LEFT JOIN repeated USING (conversation_id)
    LEFT JOIN contacts ON contacts.conversation_id = conversations.conversation_id AND contacts.started_at = conversations.started_at
),
judged AS (
    SELECT
        *,
        thumb IS NOT NULL OR score IS NOT NULL AS explicit,
        coalesce(thumb = 'up', FALSE) OR coalesce(score >= $satisfied_csat, FALSE) AS rated_good,
        coalesce(thumb = 'down', FALSE) OR coalesce(score <= $dissatisfied_csat, FALSE) AS rated_bad,
        asked_for_human OR complained OR abandoned OR repeat_contact AS implicit_bad
    FROM signals
)
SELECT
    dt,
    conversation_id,
    user_id,
    scenario,
    explicit,
    asked_for_human,
    complained,
    abandoned,
    repeat_contact,
    thanked,
    repeated_reply,
    CASE WHEN explicit THEN rated_good AND NOT rated_bad ELSE thanked AND NOT implicit_bad END AS satisfied,
    CASE WHEN explicit THEN rated_bad ELSE implicit_bad END AS dissatisfied,
    CASE
        WHEN explicit AND rated_bad THEN 0.0
        WHEN explicit AND rated_good THEN 1.0
        WHEN explicit THEN 0.5
        WHEN implicit_bad THEN greatest(
            0.05,
            0.35 - 0.2 * (asked_for_human::INT + complained::INT) - 0.1 * (abandoned::INT + repeat_contact::INT) + 0.05 * thanked::INT
        )
        WHEN thanked THEN 0.85
        ELSE 0.5
    END AS satisfied_score,
    list_filter(
        [
            CASE WHEN thumb IS NOT NULL THEN 'thumb ' || thumb END,
            CASE WHEN score IS NOT NULL THEN 'rated ' || score || ' of 5' END,
            CASE WHEN asked_for_human THEN 'asked for a human' END,
            CASE WHEN complained THEN 'complained' END,
            CASE WHEN abandoned THEN 'left with an open question' END,
            CASE WHEN repeat_contact THEN 'came back within ' || $repeat_hours || ' hours' END,
            CASE WHEN thanked THEN 'thanked at the end' END
        ],
        lambda reason: reason IS NOT NULL
    ) AS reasons
FROM judged
ORDER BY conversation_id
