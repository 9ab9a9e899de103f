-- id: repeated_reply
-- version: 3
-- issue_type: script_repetition
-- severity: major
-- language: en, zh
-- finds: A reply that was already given, word for word, earlier in the same conversation; short pleasantries do not count, and bytes
--     are counted because a Chinese character (3 bytes) says more than a letter.
-- grain: one repeated reply
-- inputs: repeats
-- parameters: min_bytes = 16; pleasantry_bytes = 72; pleasantries = "anything else|welcome|hello|thank|bye|how (can|may) i help|one moment|great|有什么可以帮|祝您|不客气|您好|再见|谢谢|还有(什么|其他)"
SELECT conversation_id, turn, content AS quote, 'same as turn ' || first_turn AS evidence
FROM repeats
WHERE turn > first_turn
    AND strlen(norm) >= $min_bytes
    AND NOT (strlen(norm) < $pleasantry_bytes AND regexp_matches(norm, $pleasantries))
