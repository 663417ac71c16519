"""How a bug stands, kept up to date by the store itself whoever writes: SQL of migration m001.

One row for each bug: the origin found first, the verdict given last, how many tasks it has. Like
every migration this is never edited once it is released.
"""

from __future__ import annotations

GIVEN = """
    begin
        update standings set reason = new.reason, mode = new.mode,
            environment = new.environment, harness = new.harness, seconds = new.seconds
        where bug = new.bug;
    end
"""

TRIGGERS = (
    """
    create trigger standing_of_origin after insert on origins
    when not exists (select 1 from standings where bug = new.bug)
    begin
        insert into standings (bug, tree, strategy, operator, path, entity, line,
                reason, mode, environment, harness, seconds, tasks)
            select new.bug, bugs.tree, new.strategy, new.operator, new.path, new.entity, new.line,
                '', '', '', '', 0, 0
            from bugs where bugs.id = new.bug;
    end
    """,
    """
    create trigger standing_of_bug_gone after delete on bugs
    begin
        delete from standings where bug = old.id;
    end
    """,
    f"create trigger standing_of_verdict after insert on verdicts {GIVEN}",
    f"create trigger standing_of_verdict_given_again after update on verdicts {GIVEN}",
    """
    create trigger standing_of_verdict_gone after delete on verdicts
    begin
        update standings
            set reason = '', mode = '', environment = '', harness = '', seconds = 0
            where bug = old.bug;
        update standings set reason = given.reason, mode = given.mode,
                environment = given.environment, harness = given.harness, seconds = given.seconds
            from (select * from verdicts where bug = old.bug order by rowid desc limit 1) as given
            where standings.bug = old.bug;
    end
    """,
    """
    create trigger standing_of_task after insert on tasks
    begin
        update standings set tasks = (select count(*) from tasks where bug = new.bug)
            where bug = new.bug;
    end
    """,
    """
    create trigger standing_of_task_gone after delete on tasks
    begin
        update standings set tasks = (select count(*) from tasks where bug = old.bug)
            where bug = old.bug;
    end
    """,
)
