-- Every query of the status view; `queries.py` gives them by name.

-- name: lock_new
-- Makes a row for each job that has none. In the order of ids, as all who lock do: so nobody waits in a circle.
insert into jobs (job_id)
select job_id from unnest($1::uuid[]) as job_id order by job_id
on conflict do nothing

-- name: lock
-- Reads the jobs and keeps others from folding into them until the end of the transaction.
select job_id, view from jobs where job_id = any($1::uuid[]) order by job_id for update

-- name: record
-- Notes events; answers with the ids of those that were not there yet.
insert into events (event_id, job_id, revision, type, stage, time, detail)
select * from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[], $7::jsonb[])
on conflict do nothing
returning event_id

-- name: told_first
-- Gives events the earliest of the times that they were told at.
update events set time = new.time
from unnest($1::uuid[], $2::timestamptz[]) as new (event_id, time)
where events.event_id = new.event_id and new.time < events.time

-- name: forget_older_cancels
-- Forgets the cancels of jobs that newer ones, by revision and time, stand for.
delete from events using unnest($1::uuid[], $2::integer[], $3::timestamptz[]) as new (job_id, revision, time)
where events.job_id = new.job_id and events.type = $4 and (events.revision, events.time) < (new.revision, new.time)

-- name: record_cancel
-- Notes the cancels of jobs of which none is noted.
insert into events (event_id, job_id, revision, type, stage, time, detail)
select new.*
from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[], $7::jsonb[])
    as new (event_id, job_id, revision, type, stage, time, detail)
where not exists (select from events where events.job_id = new.job_id and events.type = new.type)
on conflict do nothing

-- name: store
-- Writes what is known of jobs, after their rows have been locked.
update jobs
set view = new.view, status = new.status, style = new.style, completed_at = new.completed_at
from unnest($1::uuid[], $2::jsonb[], $3::text[], $4::text[], $5::timestamptz[])
    as new (job_id, view, status, style, completed_at)
where jobs.job_id = new.job_id

-- name: park
-- Notes parked records. What they say of themselves is always the same, so it may be noted again.
insert into dead_letters (topic, partition, at_offset, stage, job_id, revision, event_id, redrives, code, reason,
    attempts, parked_at)
select * from unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::uuid[], $6::integer[], $7::text[],
    $8::integer[], $9::text[], $10::text[], $11::integer[], $12::timestamptz[])
on conflict (topic, partition, at_offset) do update
set job_id = excluded.job_id, revision = excluded.revision, event_id = excluded.event_id, redrives = excluded.redrives,
    code = excluded.code, reason = excluded.reason, attempts = excluded.attempts, parked_at = excluded.parked_at

-- name: settle
-- Notes what became of parked records, which may not be noted yet themselves. The earliest word counts.
insert into dead_letters as old (topic, partition, at_offset, stage, settled, settled_at)
select * from unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[])
on conflict (topic, partition, at_offset) do update
set settled = case when old.settled is null or (excluded.settled_at, excluded.settled) < (old.settled_at, old.settled)
        then excluded.settled else old.settled end,
    settled_at = least(old.settled_at, excluded.settled_at)

-- name: parked
-- Parked records, the newest first, from the place ($5, $6, $7, $8) on where there is one.
select * from dead_letters
where parked_at is not null and ($1 or settled is null) and ($2::text is null or stage = $2)
    and ($3::uuid is null or job_id = $3) and ($4::text is null or code = $4)
    and ($5::timestamptz is null or (parked_at, topic, partition, at_offset) < ($5, $6, $7, $8))
order by parked_at desc, topic desc, partition desc, at_offset desc
limit $9

-- name: parked_at
-- The parked records at these places, as far as there are any.
select dead_letters.* from dead_letters
join unnest($1::text[], $2::integer[], $3::bigint[]) as asked (topic, partition, at_offset)
    using (topic, partition, at_offset)
where parked_at is not null

-- name: waiting
-- Where the parked records lie that wait for somebody, the oldest first.
select topic, partition, at_offset from dead_letters
where parked_at is not null and settled is null and ($1::text is null or stage = $1)
    and ($2::uuid is null or job_id = $2) and ($3::text is null or code = $3)
order by parked_at, topic, partition, at_offset

-- name: find
-- What is known of one job.
select view from jobs where job_id = $1

-- name: find_all
-- What is known of some jobs.
select job_id, view from jobs where job_id = any($1::uuid[])

-- name: with_status
-- The jobs of a status.
select job_id from jobs where status = $1 order by job_id

-- name: seen
-- Which of these events are noted, and of which revision they are.
select event_id, revision from events where event_id = any($1::uuid[])

-- name: take_revisions
-- Gives each event the next revision of its job, unless it has one: above what is known ($3), and above all taken ones.
insert into revisions (event_id, job_id, revision)
select new.event_id, new.job_id, 1 + greatest(new.known, (select max(revision) from revisions where job_id = new.job_id))
from unnest($1::uuid[], $2::uuid[], $3::integer[]) as new (event_id, job_id, known)
on conflict do nothing

-- name: taken_revisions
-- The revisions that these events have.
select event_id, revision from revisions where event_id = any($1::uuid[])

-- name: newest
-- Jobs with a video, the newest first, from the place ($2, $3) on where there is one.
select view from jobs
where completed_at is not null and ($2::timestamptz is null or (completed_at, job_id) < ($2, $3::uuid))
order by completed_at desc, job_id desc
limit $1

-- name: newest_of_style
-- The same, of one style.
select view from jobs
where completed_at is not null and style = $4 and ($2::timestamptz is null or (completed_at, job_id) < ($2, $3::uuid))
order by completed_at desc, job_id desc
limit $1

-- name: unfinished
-- How many jobs are on their way.
select count(*) from jobs where status in ('queued', 'processing')

-- name: by_status
-- How many jobs there are of each status.
select status, count(*) as jobs from jobs where status is not null group by status

-- name: claimed
-- What an Idempotency-Key stands for.
select digest, requested_at from claims where job_id = $1

-- name: claim
-- Lets a key stand for a request, unless it stands for one already.
insert into claims (job_id, digest, requested_at) values ($1, $2, $3) on conflict do nothing

-- name: ping
-- Fails until the tables are there.
select from jobs limit 1
