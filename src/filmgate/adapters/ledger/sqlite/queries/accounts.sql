-- name: own_limits
-- The rules that an application has of its own, in the order of the fields of OwnLimits.
SELECT task_days, media_days, media_bytes, credits, credits_per FROM limits WHERE application_id = :application_id

-- name: set_limits
-- Replace the rules that an application has of its own.
INSERT OR REPLACE INTO limits (application_id, task_days, media_days, media_bytes, credits, credits_per)
VALUES (:application_id, :task_days, :media_days, :media_bytes, :credits, :credits_per)

-- name: limited
-- The applications that have rules of their own.
SELECT application_id FROM limits

-- name: list_applications
-- All applications by name.
SELECT id, name FROM applications ORDER BY name

-- name: application_name
-- What an application is called.
SELECT name FROM applications WHERE id = :application_id

-- name: count_usage
-- Add to what was counted on a day.
INSERT INTO usage (application_id, day, submitted, completed, failed, cancelled, seconds, bytes, credits)
VALUES (:application_id, :day, :submitted, :completed, :failed, :cancelled, :seconds, :bytes, :credits)
ON CONFLICT (application_id, day) DO UPDATE SET
    submitted = submitted + excluded.submitted,
    completed = completed + excluded.completed,
    failed = failed + excluded.failed,
    cancelled = cancelled + excluded.cancelled,
    seconds = seconds + excluded.seconds,
    bytes = bytes + excluded.bytes,
    credits = round(credits + excluded.credits, 6)

-- name: count_failure
-- Add to the failures of a day with a code.
INSERT INTO failures (application_id, day, code, count) VALUES (:application_id, :day, :code, 1)
ON CONFLICT (application_id, day, code) DO UPDATE SET count = count + 1

-- name: credits_since
-- The credits that an application's tasks have cost since a day.
SELECT coalesce(sum(credits), 0.0) FROM usage WHERE application_id = :application_id AND day >= :first

-- name: usage_days
-- What was counted day by day, the fields of Tally behind the day.
SELECT day, submitted, completed, failed, cancelled, seconds, bytes, credits FROM usage
WHERE application_id = :application_id AND day BETWEEN :first AND :last ORDER BY day

-- name: usage_failures
-- The failures of a time by code, the most frequent first.
SELECT code, sum(count) AS often FROM failures
WHERE application_id = :application_id AND day BETWEEN :first AND :last GROUP BY code ORDER BY often DESC, code

-- name: held
-- How many files and bytes an application holds.
SELECT files, bytes FROM held WHERE application_id = :application_id

-- name: count_unfinished_of
-- How many tasks of an application are unfinished, by state.
SELECT state, count(*) FROM tasks WHERE application_id = :application_id AND {unfinished} GROUP BY state
