-- The status view: derived from the log, and rebuilt from it.

-- A row a job: what is known of it, and what it is looked up by.
create table jobs (
    job_id       uuid primary key,
    view         jsonb,                -- a JobView of services/gateway/projection.py
    status       text,                 -- derived from the view, as are the next two
    style        text,
    completed_at timestamptz           -- when the video that can be watched was published
);

-- The feed, with and without a style: keyset pagination reads either index from its end.
create index jobs_feed on jobs (completed_at desc, job_id desc) where completed_at is not null;
create index jobs_feed_by_style on jobs (style, completed_at desc, job_id desc) where completed_at is not null;

-- The cap on unfinished jobs counts these.
create index jobs_unfinished on jobs (status) where status in ('queued', 'processing');

-- A row an event: one that is here is not folded again. Also a job's timeline.
create table events (
    event_id uuid primary key,
    job_id   uuid        not null,
    revision integer     not null,
    type     text        not null,     -- the name of its topic
    stage    text,                     -- of an event about a stage's work
    time     timestamptz not null,     -- when it was made
    detail   jsonb                     -- the data of an event that is not of the chain
);
create index events_timeline on events (job_id, time, event_id);

-- A row an Idempotency-Key. It is written before the log is, so it is no part of what a rebuild makes.
create table claims (
    job_id       uuid primary key,     -- derived from the key
    digest       text        not null, -- of the body that came with it first
    requested_at timestamptz not null
);
