"""The tables and views as they were first released.  See `storage.migrations` for what came after."""

from __future__ import annotations

APPLICATION_ID = 0x52554E47  # "RUNG"
NUMBER = 10  # steps in `storage.migrations`: the file's user_version
GUARDS = {  # the triggers that keep what is append-only from being changed
    f"{table}_no_{verb}"
    for table in ("decision", "evidence", "artifact", "comment", "imported_evidence", "branch_note")
    for verb in ("update", "delete", "replace")
}

TABLES = (
    """
    create table dataset (
      fingerprint text primary key,        -- SHA-256 of the file's bytes
      path        text not null,           -- where it lay when last seen
      path_bytes  blob,                    -- the same, where it is no proper text
      bytes       integer not null,
      modified_ns integer not null,
      recorded_at text not null
    ) strict
    """,
    """
    create table environment (
      key         text primary key,
      content     text not null,           -- JSON: versions, processor, system
      recorded_at text not null
    ) strict
    """,
    """
    create table session (
      id         integer primary key,
      name       text not null collate nocase unique,
      dataset    text not null references dataset (fingerprint),
      branch     integer references branch (id),  -- the one that is open
      created_at text not null
    ) strict
    """,
    """
    create table branch (
      id         integer primary key,
      session    integer not null references session (id),
      name       text not null collate nocase,
      parent     integer references branch (id),
      forked_at  integer not null default 0,      -- shares the parent's decisions up to this one
      created_at text not null,
      unique (session, name)
    ) strict
    """,
    """
    create table decision (
      id          integer primary key autoincrement,  -- without gaps: a row that was taken out is missed
      branch      integer not null references branch (id),
      seq         integer not null check (seq > 0),
      stage       text not null,
      question    text not null,
      subject     text not null,
      prompt      text not null,
      options     text not null,           -- JSON: [{key, label, note, figures}]
      recommended text not null,           -- JSON
      reason      text not null,
      choice      text not null,           -- JSON
      why         text not null,
      why_author  text not null,
      why_verdict text not null,
      author      text not null,
      overruled   integer not null check (overruled in (0, 1)),
      level       text not null,
      flags       text not null,           -- JSON
      metric      text,                    -- what it was checked against; NULL where nothing was measured
      value       real,                    -- in the metric's own unit, as are low, high and reference
      low         real,
      high        real,
      reference   real,
      protocol    text,
      verdict     text,
      details     text,                    -- JSON
      evidence    text not null,           -- JSON: keys of the evidence it cites
      asked       text not null,
      decided_at  text not null,
      seconds     real not null,
      environment text not null,
      supersedes  integer,
      prev_hash   text not null,
      hash        text not null,
      exact       text,                    -- JSON: columns whose text UTF-8 cannot hold, in full
      unique (branch, seq)
    ) strict
    """,
    """
    create table evidence (
      key            text primary key,     -- the trial's
      kind           text not null,
      value          text not null,        -- JSON
      error          text not null,
      seconds        real not null,
      cpu_seconds    real not null,
      peak_memory_mb real not null,
      device         text not null,
      environment    text not null,
      computed_at    text not null,
      digest         text not null         -- SHA-256 over the columns before
    ) strict
    """,
    """
    create table trial (
      key        text primary key,
      kind       text not null,
      label      text not null,
      params     text not null,            -- JSON
      data       text not null,            -- the dataset's fingerprint
      seed       integer not null,
      uses       text not null,            -- JSON: keys of evidence
      status     text not null check (status in ('queued', 'running', 'done', 'failed', 'cancelled')),
      reason     text not null default '',
      stop       integer not null default 0,  -- somebody asked the worker to stop it
      worker     text,
      queued_at  real not null,
      started_at real,
      ended_at   real
    ) strict
    """,
    "create index trial_by_status on trial (status, queued_at)",
    """
    create table progress (
      id      integer primary key,
      trial   text not null references trial (key) on delete cascade,
      at      real not null,
      step    integer not null,
      steps   integer not null,
      unit    text not null,
      message text not null,
      point   text not null                -- JSON: what it adds to the curve
    ) strict
    """,
    "create index progress_by_trial on progress (trial)",
    """
    create table worker (
      name    text primary key,
      beat_at real not null
    ) strict
    """,
    """
    create table artifact (
      digest     text primary key,         -- SHA-256 of the content
      media_type text not null,
      bytes      integer not null,
      kept_at    text not null,
      content    blob not null
    ) strict
    """,
    """
    create table comment (
      id        integer primary key,
      session   integer not null references session (id),
      branch    integer references branch (id),
      seq       integer,                   -- the decision it is about
      answers   integer references comment (id),
      author    text not null,
      mark      text not null,             -- agree, question, disagree or nothing
      text      text not null,
      at        text not null,
      closed_at text
    ) strict
    """,
    "create index comment_by_session on comment (session)",
    """
    create table lease (
      session    integer primary key references session (id),
      owner      text not null,            -- one open store
      pid        integer not null,
      host       text not null,
      started_at real not null,            -- when that process began: a process number is used again
      beat_at    real not null
    ) strict
    """,
)


# The comments as they are since step 4.
COMMENTS = (
    """
    create table comment (
      id      integer primary key,
      uid     text not null,               -- its name in every copy of the session
      session integer not null references session (id),
      branch  integer references branch (id),
      seq     integer,                     -- the decision it is about
      about   text not null,               -- that decision's hash; '' for the session as a whole
      answers integer references comment (id),  -- the one that began the thread
      author  text not null,
      mark    text not null,               -- agree, question, disagree, resolved, reopened or nothing
      text    text not null,
      at      text not null,
      unique (session, uid)
    ) strict
    """,
    "create index comment_by_thread on comment (answers)",
)


# What was typed and not yet recorded, since step 6.
DRAFT = """
create table draft (
  session  integer not null references session (id),
  question text not null,
  subject  text not null,
  content  text not null,               -- JSON: what stood in the form, and in the why
  kept_at  real not null,
  primary key (session, question, subject)
) strict
"""


# Evidence that came with a session from elsewhere: it serves that session only, and never one of this store's own.
IMPORTED_EVIDENCE = """
    create table imported_evidence (
      session        integer not null references session (id),
      key            text not null,
      kind           text not null,
      value          text not null,        -- JSON
      error          text not null,
      seconds        real not null,
      cpu_seconds    real not null,
      peak_memory_mb real not null,
      device         text not null,
      environment    text not null,
      computed_at    text not null,
      digest         text not null,        -- SHA-256 over the columns before, but for the session
      primary key (session, key)
    ) strict
    """


# What people did to a branch beside deciding on it, since step 9.
BRANCH_NOTE = (
    """
    create table branch_note (
      id     integer primary key,
      branch integer not null references branch (id),
      kind   text not null check (kind in ('named', 'abandoned', 'taken up')),
      text   text not null,                -- why; of `named` the name before
      author text not null,
      at     text not null
    ) strict
    """,
    "create index branch_note_by_branch on branch_note (branch)",
)

BRANCHES = """
select session.name as session, branch.name as branch, parent.name as parent, branch.forked_at,
  (select count(*) from decision where decision.branch = branch.id) as decisions,
  branch.id = session.branch as current, coalesce(said.kind = 'abandoned', 0) as abandoned,
  case said.kind when 'abandoned' then said.text end as why, branch.created_at
from branch
join session on session.id = branch.session
left join branch as parent on parent.id = branch.parent
left join branch_note as said on said.id = (
  select max(id) from branch_note where branch_note.branch = branch.id and kind in ('abandoned', 'taken up'))
order by session.id, branch.id
"""


# What is searched for words, by table; accents and case do not count.
SEARCHED = {"decision": ("question", "subject", "choice", "why"), "comment": ("author", "text")}
TOKENS = "unicode61 remove_diacritics 2"

# The words of the options that were chosen, since step 10; rowid: the decision's id.  It holds no text, only where
# words stand: what is shown of a decision is read from the decision.
ANSWERED = f"create virtual table answer_fts using fts5 (words, content='', tokenize='{TOKENS}')"


def _with_line(query: str) -> str:
    """A query over `line`: every branch with its ancestors, and the last decision that it shares with each."""
    return _LINE + query


_LINE = """
with recursive line (branch, ancestor, upto) as (
  select id, id, 9223372036854775807 from branch
  union all
  select line.branch, branch.parent, min(line.upto, branch.forked_at)
  from line join branch on branch.id = line.ancestor where branch.parent is not null
)
"""

VIEWS = {
    "journal": _with_line("""
select session.name as session, branch.name as branch, d.seq, d.stage, d.question, d.subject,
  d.choice, d.recommended, d.overruled, d.level, d.flags, d.why, d.why_author, d.author,
  d.metric, d.value, d.low, d.high, d.reference, d.protocol, d.verdict, d.decided_at, d.hash, d.prev_hash
from line
join branch on branch.id = line.branch
join session on session.id = branch.session
join decision as d on d.branch = line.ancestor and d.seq <= line.upto
order by session.id, branch.id, d.seq
"""),
    "ladder": _with_line("""
select session.name as session, branch.name as branch, d.seq, d.stage,
  json_extract(d.details, '$.rung') as model, d.metric, d.value, d.low, d.high, d.decided_at
from line
join branch on branch.id = line.branch
join session on session.id = branch.session
join decision as d on d.branch = line.ancestor and d.seq <= line.upto
where json_extract(d.details, '$.rung') is not null and d.value is not null
  and not exists (
    select 1 from line as later_line
    join decision as later on later.branch = later_line.ancestor and later.seq <= later_line.upto
    where later_line.branch = line.branch and later.seq > d.seq
      and later.question = d.question and later.subject = d.subject
  )
order by session.id, branch.id, d.seq
"""),
}
