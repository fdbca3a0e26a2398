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

-- name: find
-- What is known of one job.
select view from jobs where job_id = $1

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
