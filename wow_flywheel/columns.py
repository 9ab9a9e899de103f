"""What each column means, in one place: shown in the Dagster UI and in `docs/tables.md`.

What belongs here: words. What does not: types and promises (`contracts`). `python -m wow_flywheel.columns > docs/tables.md`
rewrites the page.
"""

from typing import Final

from wow_flywheel.contracts import TABLES

MEANING: Final = {
    "dt": "the day, in the business timezone, that the log folder names",
    "conversation_id": "the log's own id",
    "user_id": "the customer; decides the split, so that no customer is on both sides",
    "channel": "chat, voice, app, … as logged",
    "scenario": "the business case as logged; `unknown` if the log names none",
    "locale": "language tag, such as en or zh",
    "model": "the model that replied",
    "started_at": "first message, UTC",
    "ended_at": "last message, UTC",
    "messages": "OpenAI chat messages with tool calls and results, redacted",
    "feedback": "the customer's explicit feedback: thumb, rating from 1 to 5, comment",
    "extra": "fields that the contract does not know, as JSON, redacted; only where WOW_LOG_DRIFT lets others evolve",
    "redactions": "personal values that were replaced by placeholders",
    "source_file": "path below WOW_LOGS_URI",
    "source_line": "line number in that file, from 1; for Parquet the row",
    "byte_offset": "of the line's first byte in the decompressed file",
    "reason": "why the line was set aside, a code of docs/ingestion.md",
    "detail": "which field, without its content",
    "placeholder": "what stands in the texts for the value, such as `<EMAIL_1>`",
    "ciphertext": "the value by AES-256-GCM, nonce first, bound to day, conversation and placeholder",
    "redacted_line": "the line with personal values replaced; the source file keeps the original",
    "rated_conversation_id": "the conversation that the customer speaks of",
    "thumb": "up or down",
    "score": "a rating from 1 to 5",
    "comment": "in the customer's words, redacted",
    "path": "of the file, below WOW_LOGS_URI",
    "size": "of the file, in bytes",
    "token": "changes whenever the file does: the ETag in S3, modification time and inode on disk",
    "days": "the business days of its lines, and how many lines are of each",
    "unreadable": "its lines whose day cannot be read, or is none; they are read on the day `dt`",
    "timezone": "the business timezone in which the days were counted",
    "method": "by which the days were found; a file is looked through again when it changes",
    "seen_at": "when the file was looked through",
    "algorithm": "how the fingerprint was made; only those of one algorithm are compared",
    "exact_hash": "SHA-256, 128 bits of it, of roles, contents and tool calls; times do not count",
    "template_hash": "the same of the assistant's side with numbers, placeholders and names masked: one script",
    "bands": "hashes of the signature's 16 bands; near duplicates share at least one",
    "signature": "MinHash of its shingles, 128 numbers of 32 bits",
    "of_dt": "the day of the earlier conversation",
    "of_conversation_id": "the earlier conversation that it repeats",
    "similarity": "1 for exact, else the estimated share of shingles that both have",
    "user_hash": "SHA-256 of the salt and the customer's id",
    "salt": "the lake's own, the same in every row",
    "forgotten_at": "when, UTC",
    "cycles": "training cycles whose datasets had rows of theirs",
    "rule_id": "the file in sql/rules/",
    "rule_version": "version of the rule that found it",
    "issue_type": "kind of the defect",
    "severity": "minor, major or critical",
    "turn": "index of the message, from 0",
    "quote": "verbatim text of that turn",
    "evidence": "what it rests on",
    "explicit": "the customer gave a thumb or a rating",
    "asked_for_human": "asked for a human agent",
    "complained": "said that it does not help, or is angry",
    "abandoned": "left with an open question or after a refusal",
    "repeat_contact": "came back with the same scenario within 24 hours",
    "thanked": "said thanks and meant it",
    "repeated_reply": "a reply repeats an earlier one of the same conversation: what RR counts",
    "satisfied": "ended in satisfaction: what USM 2 counts",
    "dissatisfied": "ended in dissatisfaction: what USM 1 counts",
    "satisfied_score": "from 0, surely not, to 1, surely satisfied",
    "reasons": "what decided it, in words",
    "conversations": "how many",
    "usm1": "share of conversations that ended in dissatisfaction; lower is better",
    "usm2": "share of conversations that ended in satisfaction; higher is better",
    "rr": "repetition rate: share with a reply that repeats an earlier one; lower is better",
    "inspector": "who claims it",
    "inspector_version": "its version",
    "kind": "deterministic or llm",
    "explanation": "why it is a defect, with the evidence that it contradicts",
    "confidence": "of the claim or verdict, from 0 to 1",
    "decision": "accepted, rejected or unresolved",
    "decision_reason": "why",
    "adjudication": "what evidence and panel decided, where a person has decided since; null elsewhere",
    "llm_model": "the model that was asked; null for deterministic inspectors",
    "llm_parameters": "its parameters as JSON",
    "prompt_hash": "key of the answer in the ledger",
    "prompt_tokens": "as the endpoint counted",
    "completion_tokens": "as the endpoint counted",
    "cost_usd": "by the prices of the settings",
    "step": "who was asked: a specialist, the adjudicator, a second adjudicator, the reverse check of a claim, a summary",
    "window": "which window of a long conversation, from 0",
    "outcome": "answered, or why there is no answer that can be used",
    "reply": "the answer as it came",
    "checks": "what code checked of the answer",
    "latency_s": "seconds that the call took when it was made",
    "answered_at": "when the call was made, RFC 3339 in UTC",
    "sampled": "conversations in the random sample",
    "inspected": "of these, heard by the panel without failure",
    "rate": "found / inspected: unbiased for the day",
    "solved_score": "from 0, surely unsolved, to 1, surely solved",
    "inspected_by": "evidence, or evidence+panel where the panel heard it",
    "failures": "inspections that did not come to an answer, and why; any one sends the case to review",
    "label": "good, bad, failed or review",
    "issue_types": "kinds of the accepted findings",
    "decided_by": "rules, or the person who decided",
    "decided_at": "when the person decided, UTC",
    "note": "the person's words",
    "source": "person, endpoint, policy (the model itself), good_case or procedure: where the rewrite comes from",
    "source_conversation_id": "the Good Case, procedure and step, person or sample that it is from; empty for the endpoint",
    "candidate": "the reply that was tried",
    "accepted": "it passed every check, whether a pair was made of it or not",
    "stage": "what decided: source, solution, thought, re-inspection, comparison, not needed, selection, or pair",
    "knowledge": "the knowledge units that were to be had at that turn",
    "length_ratio": "characters of chosen over those of rejected, as JSON",
    "pair_id": "conversation and turn: a rerun names the same pair the same",
    "prompt": "the conversation up to the turn that went wrong",
    "chosen": "the reply to prefer",
    "rejected": "the reply that was given",
    "verified_by": "who inspected the rewrite again",
    "cycle": "the training cycle",
    "language": "as logged, without its region; else by the writing: zh, ja, ko, or und where nothing says it",
    "from_cycle": "the earlier cycle that the row is replayed from; null for the cycle's own",
    "split": "train or held_out, one side for everything that hangs together by customer, conversation or near duplicate",
    "metric": "its name; see wow_flywheel/evaluation/metrics.py",
    "value": "estimate; null where nothing could be measured",
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
    "n": "episodes or dialogues that it rests on",
    "higher_is_better": "which way is better",
    "baseline": "the model compared with: the release in use",
    "difference": "candidate minus baseline, paired",
    "sd": "standard deviation of the paired differences, clustered by customer: what the power computation rests on",
    "unit": "share, nats per token, tokens, seconds, or relative (a change as a share of the value before)",
    "metric_version": "raised when the same episodes would give another value",
    "interval": "how the interval is made: Wilson's for shares of yes and no, else a bootstrap clustered by customer",
    "slice_by": "what the episodes are grouped by",
    "slice": "the group",
    "before": "the baseline's value, on the episodes that both models have",
    "after": "the candidate's value, on the same episodes",
    "traffic": "conversations that the share is taken of",
    "share": "of the traffic, by hash of the conversation, that gets no knowledge",
    "with_knowledge": "the value on these conversations, as served",
    "without_knowledge": "the value on the same conversations without knowledge",
    "pairs": "pairs of the issue type on the training side",
    "held_out_turns": "turns of held-out Bad Cases of the issue type",
    "trained": "whether there was enough to train and to measure",
    "why": "what was done, or why not",
    "basis": "planted: defects put into clean conversations; people: decisions of the last weeks",
    "defects": "defects that were planted, or conversations that people called bad or failed",
    "found": "how many of them the inspector claimed, at their turn where it is known",
    "claims": "conversations that the inspector claimed the issue type of, with and without a defect",
    "upheld": "how many of them had it, or were called bad or failed by a person",
    "recall": "found of defects",
    "recall_low": "lower end of the 95 % interval",
    "recall_high": "upper end of the 95 % interval",
    "precision": "upheld of claims; for planted defects at one clean conversation for each",
    "precision_low": "lower end of the 95 % interval",
    "precision_high": "upper end of the 95 % interval",
    "kappa": "Cohen's kappa between labels by rules and by people",
    "dissatisfied_risk": "estimated risk that the customer was dissatisfied; null while there are too few labels to learn from",
    "unsolved_risk": "estimated risk that the demand was not solved; null while there are too few labels to learn from",
    "need_rank": "1 is the conversation to inspect first",
    "trained_on": "labels that the estimate was learned from",
    "recognised": "the scenario that the policy belongs to, as recognised",
    "policy_id": "the policy or procedure",
    "policy_version": "its version, or the digest of its text",
    "old_version": "the policy as the conversation was judged by it; null where it was by none of this id",
    "new_version": "the policy as it is now; null where it is gone",
    "marked_at": "when the change was first seen, UTC",
    "rank": "1 is the most likely",
}
"""By column, in the words that fit most tables."""

HOW: Final = (
    "simulated customers, offline on held-out dialogues, repair of held-out Bad Cases, general texts, or judged by the endpoint"
)
ELSEWHERE: Final = {
    ("feedback", "dt"): "the day on which the line arrived",
    ("log_files", "dt"): "the file's home: the first day of its lines, or the day it was written if none can be read",
    ("quarantine", "user_id"): "the customer whom the line names, if one can be made out, so that they can be forgotten",
    ("duplicates", "kind"): "exact: the same messages; near: nearly the same words",
    ("forgotten", "dt"): "the day on which the person was forgotten, UTC",
    ("sft_dataset", "dt"): "the day of the conversation; null for knowledge and general data",
    ("sft_dataset", "conversation_id"): "the log's own id; `knowledge/…` or `general/…` for what was no conversation",
    ("sft_dataset", "user_id"): "the customer; null for knowledge and general data",
    ("sft_dataset", "source"): "good_case, human (dialogues between people), knowledge, or general",
    ("preference_dataset", "source"): "where the chosen reply comes from, as in `preference_pairs`",
    ("sft_dataset", "messages"): "chat messages; assistant turns are unified dialogue-action JSON",
    ("preference_dataset", "prompt"): "chat messages; assistant turns are unified dialogue-action JSON",
    ("preference_dataset", "chosen"): "unified dialogue-action JSON to prefer",
    ("preference_dataset", "rejected"): "unified dialogue-action JSON as it was given",
    ("rewrite_candidates", "reason"): "why it was accepted or not",
    ("evaluations", "model"): "the model that was evaluated",
    ("evaluations", "kind"): HOW,
    ("comparisons", "kind"): HOW,
    ("comparison_slices", "kind"): HOW,
    ("knowledge_ablation", "kind"): HOW,
    ("single_issue_dpo", "kind"): HOW,
    ("comparison_slices", "candidate"): "the newly trained model",
    ("knowledge_ablation", "model"): "the model that served",
    ("knowledge_ablation", "difference"): "without minus with knowledge, paired",
    ("single_issue_dpo", "difference"): "after minus before, paired",
    ("comparisons", "candidate"): "the newly trained model",
    ("inspection_audit", "rate"): "found of inspected; null where none was",
    ("inspection_audit", "low"): "lower bound, 95 %, if no conversation of the sample that could not be heard has the issue",
    ("inspection_audit", "high"): "upper bound, 95 %, if all of these have it",
    ("inspection_audit", "found"): "of the inspected, with an accepted claim of the issue type",
    ("panel_calls", "prompt"): "what was asked, with the conversation as data, redacted as it is in `conversations`",
    ("panel_calls", "decision"): "what follows from the answer",
    ("stale_cases", "why"): "changed, gone, or new: a policy that now governs the conversation and did not",
    ("stale_cases", "policy_id"): "the policy that is no longer as it was",
    ("policies_known", "scenario"): "a scenario that the policy governs",
    ("policy_matches", "confidence"): "that the conversation was of this scenario, from 0 to 1",
    ("calibration", "locale"): "en, zh, or * for all",
    ("calibration", "inspector"): "rules, evidence or panel as a whole, one of theirs by name, or labels",
    ("calibration", "issue_type"): "kind of the defect; * for labels as a whole",
    ("inspections", "decided_by"): "the person who decided; null where evidence and panel did",
    ("finding_decisions", "decision"): "accepted: it holds; rejected: it does not",
    ("finding_decisions", "quote"): "verbatim text of that turn, by which the finding is known again when inspectors run again",
    ("finding_decisions", "decided_by"): "the person who decided",
    ("rewrite_edits", "turn"): "index of the message to replace, from 0",
    ("rewrite_edits", "issue_type"): "what is wrong with what was said there",
    ("rewrite_edits", "chosen"): "what should have been said, as unified dialogue-action JSON",
    ("rewrite_edits", "decided_by"): "the person who wrote it",
    ("rewrite_edits", "decided_at"): "when the person wrote it, UTC",
    ("verdicts", "evidence"): "the named pieces of evidence with their weights",
}
"""By table and column, where the word means something else there."""


def meaning(table: str, column: str) -> str:
    """What a column of a table means.

    Raises:
        KeyError: Nobody has written it down; a test sees to it that this does not happen.
    """
    return ELSEWHERE.get((table, column)) or MEANING[column]


def as_markdown() -> str:
    """The page `docs/tables.md`."""
    page = [
        "# Tables",
        "",
        "Each is a Delta table at `WOW_LAKE_URI/<name>`, which any Delta reader opens: `polars.scan_delta`, or DuckDB's",
        "`delta_scan`. Only the flywheel writes to them; people's decisions come in by `wow-flywheel review`.",
        "Made by `python -m wow_flywheel.columns > docs/tables.md` from `wow_flywheel/contracts/`.",
    ]
    for contract in TABLES.values():
        unique = f"; unique within it: {', '.join(f'`{name}`' for name in contract.key)}" if contract.key else ""
        page += ["", f"## {contract.name}", "", f"One row: {contract.grain}. Version {contract.version}, partitioned by"]
        page[-1] += f" `{contract.partition}`{unique}."
        page += ["", "| column | type | never null | meaning |", "|---|---|---|---|"]
        for column, dtype in contract.columns.items():
            mark = "✓" if column in contract.required else ""
            page.append(f"| `{column}` | {type_name(dtype)} | {mark} | {meaning(contract.name, column)} |")
    return "\n".join(page) + "\n"


def type_name(dtype: object) -> str:
    """A Polars type, without the fields of structs."""
    text = str(dtype).replace("time_unit='us', time_zone='UTC'", "UTC")
    return text if "Struct" not in text else "list of records" if text.startswith("List") else "record"


if __name__ == "__main__":
    print(as_markdown(), end="")
