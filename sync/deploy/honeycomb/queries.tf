# What is asked; the same as `queries` of boards.json.

data "honeycombio_query_specification" "most_used_skills" {
  time_range = 604800
  breakdowns = ["dc.skill"]
  limit      = 50

  calculation {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
  }

  calculation {
    op     = "COUNT_DISTINCT"
    column = "user.hash"
  }

  filter {
    column = "event.name"
    op     = "="
    value  = "skillway.skill.used"
  }

  order {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
    order  = "descending"
  }
}

resource "honeycombio_query" "most_used_skills" {
  dataset    = honeycombio_dataset.skillway.slug
  query_json = data.honeycombio_query_specification.most_used_skills.json

  depends_on = [honeycombio_column.event, honeycombio_derived_column.skill]
}

resource "honeycombio_query_annotation" "most_used_skills" {
  dataset     = honeycombio_dataset.skillway.slug
  query_id    = honeycombio_query.most_used_skills.id
  name        = "Most used skills"
  description = "Uses counted by record id, because a batch can arrive twice; people by pseudonym."
}

data "honeycombio_query_specification" "adoption_by_team" {
  time_range  = 2592000
  granularity = 86400
  breakdowns  = ["team.id"]
  limit       = 100

  calculation {
    op     = "COUNT_DISTINCT"
    column = "user.hash"
  }

  filter {
    column = "event.name"
    op     = "="
    value  = "skillway.skill.used"
  }

  order {
    op     = "COUNT_DISTINCT"
    column = "user.hash"
    order  = "descending"
  }
}

resource "honeycombio_query" "adoption_by_team" {
  dataset    = honeycombio_dataset.skillway.slug
  query_json = data.honeycombio_query_specification.adoption_by_team.json

  depends_on = [honeycombio_column.event]
}

resource "honeycombio_query_annotation" "adoption_by_team" {
  dataset     = honeycombio_dataset.skillway.slug
  query_id    = honeycombio_query.adoption_by_team.id
  name        = "Adoption by team"
  description = "People who used a skill, by team and day."
}

data "honeycombio_query_specification" "failing_skills" {
  time_range = 604800
  breakdowns = ["dc.skill", "error.type"]
  limit      = 50

  calculation {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
  }

  filter {
    column = "event.name"
    op     = "="
    value  = "skillway.skill.used"
  }

  filter {
    column = "success"
    op     = "="
    value  = "false"
  }

  order {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
    order  = "descending"
  }
}

resource "honeycombio_query" "failing_skills" {
  dataset    = honeycombio_dataset.skillway.slug
  query_json = data.honeycombio_query_specification.failing_skills.json

  depends_on = [honeycombio_column.event, honeycombio_derived_column.skill]
}

resource "honeycombio_query_annotation" "failing_skills" {
  dataset     = honeycombio_dataset.skillway.slug
  query_id    = honeycombio_query.failing_skills.id
  name        = "Skills that fail"
  description = "Uses that the tool reported as failed, by skill and class of failure."
}

data "honeycombio_query_specification" "who_asks" {
  time_range  = 604800
  granularity = 43200
  breakdowns  = ["invocation_trigger"]
  limit       = 10

  calculation {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
  }

  filter {
    column = "event.name"
    op     = "="
    value  = "skillway.skill.used"
  }
}

resource "honeycombio_query" "who_asks" {
  dataset    = honeycombio_dataset.skillway.slug
  query_json = data.honeycombio_query_specification.who_asks.json

  depends_on = [honeycombio_column.event]
}

resource "honeycombio_query_annotation" "who_asks" {
  dataset     = honeycombio_dataset.skillway.slug
  query_id    = honeycombio_query.who_asks.id
  name        = "Typed or chosen by the model"
  description = "How uses began, by day."
}

data "honeycombio_query_specification" "pull_requests" {
  time_range  = 2592000
  granularity = 86400

  calculation {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
  }

  calculation {
    op     = "COUNT_DISTINCT"
    column = "user.hash"
  }

  filter {
    column = "event.name"
    op     = "="
    value  = "skillway.pr.created"
  }
}

resource "honeycombio_query" "pull_requests" {
  dataset    = honeycombio_dataset.skillway.slug
  query_json = data.honeycombio_query_specification.pull_requests.json

  depends_on = [honeycombio_column.event]
}

resource "honeycombio_query_annotation" "pull_requests" {
  dataset     = honeycombio_dataset.skillway.slug
  query_id    = honeycombio_query.pull_requests.id
  name        = "Pull requests by create-pr"
  description = "Pull requests that the skill opened, by day."
}

data "honeycombio_query_specification" "hook_denials" {
  time_range = 604800
  breakdowns = ["hook.rule.id"]
  limit      = 50

  calculation {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
  }

  calculation {
    op     = "COUNT_DISTINCT"
    column = "user.hash"
  }

  filter {
    column = "event.name"
    op     = "="
    value  = "skillway.hook.decision"
  }

  filter {
    column = "hook.decision"
    op     = "="
    value  = "deny"
  }

  order {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
    order  = "descending"
  }
}

resource "honeycombio_query" "hook_denials" {
  dataset    = honeycombio_dataset.skillway.slug
  query_json = data.honeycombio_query_specification.hook_denials.json

  depends_on = [honeycombio_column.event]
}

resource "honeycombio_query_annotation" "hook_denials" {
  dataset     = honeycombio_dataset.skillway.slug
  query_id    = honeycombio_query.hook_denials.id
  name        = "What the guard stopped"
  description = "Denials by rule, and how many people met one."
}

data "honeycombio_query_specification" "hook_latency" {
  time_range = 604800
  breakdowns = ["hook.name"]

  calculation {
    op     = "P50"
    column = "duration_ms"
  }

  calculation {
    op     = "P95"
    column = "duration_ms"
  }

  calculation {
    op     = "HEATMAP"
    column = "duration_ms"
  }

  filter {
    column = "event.name"
    op     = "="
    value  = "skillway.hook.decision"
  }
}

resource "honeycombio_query" "hook_latency" {
  dataset    = honeycombio_dataset.skillway.slug
  query_json = data.honeycombio_query_specification.hook_latency.json

  depends_on = [honeycombio_column.event]
}

resource "honeycombio_query_annotation" "hook_latency" {
  dataset     = honeycombio_dataset.skillway.slug
  query_id    = honeycombio_query.hook_latency.id
  name        = "Guard latency"
  description = "Milliseconds of decisions, by hook."
}

data "honeycombio_query_specification" "hook_errors" {
  time_range = 604800
  breakdowns = ["error.type"]
  limit      = 50

  calculation {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
  }

  filter {
    column = "event.name"
    op     = "="
    value  = "skillway.hook.decision"
  }

  filter {
    column = "hook.decision"
    op     = "in"
    value  = "error,timeout"
  }

  order {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
    order  = "descending"
  }
}

resource "honeycombio_query" "hook_errors" {
  dataset    = honeycombio_dataset.skillway.slug
  query_json = data.honeycombio_query_specification.hook_errors.json

  depends_on = [honeycombio_column.event]
}

resource "honeycombio_query_annotation" "hook_errors" {
  dataset     = honeycombio_dataset.skillway.slug
  query_id    = honeycombio_query.hook_errors.id
  name        = "Guard errors"
  description = "Calls that the guard let through because it could not judge them."
}

data "honeycombio_query_specification" "releases_in_use" {
  time_range  = 604800
  granularity = 43200
  breakdowns  = ["sync.to"]
  limit       = 20

  calculation {
    op     = "COUNT_DISTINCT"
    column = "user.hash"
  }

  filter {
    column = "event.name"
    op     = "="
    value  = "skillway.sync.completed"
  }

  order {
    op     = "COUNT_DISTINCT"
    column = "user.hash"
    order  = "descending"
  }
}

resource "honeycombio_query" "releases_in_use" {
  dataset    = honeycombio_dataset.skillway.slug
  query_json = data.honeycombio_query_specification.releases_in_use.json

  depends_on = [honeycombio_column.event]
}

resource "honeycombio_query_annotation" "releases_in_use" {
  dataset     = honeycombio_dataset.skillway.slug
  query_id    = honeycombio_query.releases_in_use.id
  name        = "Releases in use"
  description = "People by the release that their last syncs ended on."
}

data "honeycombio_query_specification" "sync_failures" {
  time_range = 604800
  breakdowns = ["error.type"]
  limit      = 50

  calculation {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
  }

  calculation {
    op     = "COUNT_DISTINCT"
    column = "user.hash"
  }

  filter {
    column = "event.name"
    op     = "="
    value  = "skillway.sync.completed"
  }

  filter {
    column = "sync.outcome"
    op     = "="
    value  = "failed"
  }

  order {
    op     = "COUNT_DISTINCT"
    column = "log.record.uid"
    order  = "descending"
  }
}

resource "honeycombio_query" "sync_failures" {
  dataset    = honeycombio_dataset.skillway.slug
  query_json = data.honeycombio_query_specification.sync_failures.json

  depends_on = [honeycombio_column.event]
}

resource "honeycombio_query_annotation" "sync_failures" {
  dataset     = honeycombio_dataset.skillway.slug
  query_id    = honeycombio_query.sync_failures.id
  name        = "Sync failures"
  description = "Runs that failed, by class of error."
}

data "honeycombio_query_specification" "telemetry_health" {
  time_range = 604800
  breakdowns = ["key.id"]
  limit      = 50

  calculation {
    op     = "P95"
    column = "spool.oldest_s"
  }

  calculation {
    op     = "MAX"
    column = "spool.bytes"
  }

  filter {
    column = "event.name"
    op     = "="
    value  = "skillway.telemetry.health"
  }

  order {
    op     = "P95"
    column = "spool.oldest_s"
    order  = "descending"
  }
}

resource "honeycombio_query" "telemetry_health" {
  dataset    = honeycombio_dataset.skillway.slug
  query_json = data.honeycombio_query_specification.telemetry_health.json

  depends_on = [honeycombio_column.event]
}

resource "honeycombio_query_annotation" "telemetry_health" {
  dataset     = honeycombio_dataset.skillway.slug
  query_id    = honeycombio_query.telemetry_health.id
  name        = "Telemetry health"
  description = "Age of the oldest record that waits, bytes that wait, by the key that is in use."
}
