-- Parked records: derived from the dead-letter queues and from what was said of them, and rebuilt with the view.

-- A row a record of a dead-letter queue. What is null was not heard of yet, or cannot be read off its bytes.
create table dead_letters (
    topic      text        not null,
    partition  integer     not null,
    at_offset  bigint      not null,
    stage      text        not null,
    job_id     uuid,
    revision   integer,
    event_id   text,                 -- of the event that the stage gave up on
    redrives   integer,              -- how often it had been redriven by then
    code       text,
    reason     text,
    attempts   integer,
    parked_at  timestamptz,          -- null as long as the record itself was not seen
    settled    text,                 -- 'redriven' or 'discarded'; null where it waits for somebody
    settled_at timestamptz,
    primary key (topic, partition, at_offset)
);

-- Lists, the newest first: keyset pagination reads them from the end.
create index dead_letters_newest on dead_letters (parked_at desc, topic desc, partition desc, at_offset desc)
    where parked_at is not null;
create index dead_letters_open on dead_letters (parked_at desc, topic desc, partition desc, at_offset desc)
    where parked_at is not null and settled is null;
create index dead_letters_of_job on dead_letters (job_id) where job_id is not null;
