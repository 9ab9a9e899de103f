-- grain: one scenario on one day; scenario '*' is the whole day
-- inputs: satisfaction
-- what: USM 1 (lower is better): share of conversations that end in dissatisfaction. USM 2 (higher is better): share that end in
--     satisfaction. RR (lower is better): share in which a reply repeats an earlier one. A conversation with no signal counts in
--     neither USM but in the denominator.
SELECT
    dt,
    CASE WHEN grouping(scenario) = 1 THEN '*' ELSE scenario END AS scenario,
    count(*) AS conversations,
    avg(dissatisfied::INT) AS usm1,
    avg(satisfied::INT) AS usm2,
    avg(repeated_reply::INT) AS rr
FROM satisfaction
GROUP BY GROUPING SETS ((dt, scenario), (dt))
ORDER BY dt, scenario
