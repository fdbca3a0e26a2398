-- A row a revision that a replay has taken for an event. It is written before the log is, which may have the event long
-- after it was given up on: so no other event is of that revision. It is no part of what a rebuild makes.
create table revisions (
    event_id uuid primary key,
    job_id   uuid    not null,
    revision integer not null,
    unique (job_id, revision)
);
