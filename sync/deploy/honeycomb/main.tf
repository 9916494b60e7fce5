# Honeycomb for skillway: dataset, ingest-only key, derived columns. Queries and boards are beside this file.
# The same content for the API, without Terraform: boards.json and `skillway usage honeycomb apply`.

terraform {
  required_version = ">= 1.5"

  required_providers {
    honeycombio = {
      source  = "honeycombio/honeycombio"
      version = "~> 0.51"
    }
  }
}

# Credentials come from HONEYCOMB_API_KEY (a configuration key of the environment: datasets, queries, boards,
# columns) and HONEYCOMB_KEY_ID with HONEYCOMB_KEY_SECRET (a management key with api-keys:write).
provider "honeycombio" {}

variable "environment_id" {
  type        = string
  description = "Environment that the events of laptops go to; one of its own, apart from Claude Code's native telemetry."
}

variable "key_ids" {
  type        = map(bool)
  description = "Ingest keys by name (telemetry.key_id of config.json), and whether each is disabled."
  default     = { "2026-11" = false }
}

# Made here, so that a leaked key cannot make others.
resource "honeycombio_dataset" "skillway" {
  name        = "skillway"
  description = "Events of skillway: skills, guard, sync and telemetry itself."
}

resource "honeycombio_api_key" "ingest" {
  for_each = var.key_ids

  name           = "skillway-ingest-${each.key}"
  type           = "ingest"
  environment_id = var.environment_id
  disabled       = each.value

  permissions {
    create_datasets = false
  }
}

output "ingest_keys" {
  description = "What telemetry.headers.x-honeycomb-team takes, by key id."
  value       = { for name, key in honeycombio_api_key.ingest : name => "${key.id}${key.secret}" }
  sensitive   = true
}

# A query or derived column may only name columns that exist, and before the first event none does.
locals {
  columns = {
    "log.record.uid"     = "string"
    "event.name"         = "string"
    "user.hash"          = "string"
    "team.id"            = "string"
    "skill.name"         = "string"
    "gen_ai.skill.name"  = "string"
    "plugin.name"        = "string"
    "success"            = "boolean"
    "invocation_trigger" = "string"
    "error.type"         = "string"
    "hook.decision"      = "string"
    "hook.rule.id"       = "string"
    "hook.name"          = "string"
    "duration_ms"        = "float"
    "sync.outcome"       = "string"
    "sync.to"            = "string"
    "spool.oldest_s"     = "float"
    "spool.bytes"        = "integer"
    "key.id"             = "string"
  }
}

resource "honeycombio_column" "event" {
  for_each = local.columns

  dataset = honeycombio_dataset.skillway.slug
  name    = each.key
  type    = each.value
}

resource "honeycombio_derived_column" "skill" {
  dataset     = honeycombio_dataset.skillway.slug
  alias       = "dc.skill"
  expression  = "COALESCE($skill.name, $gen_ai.skill.name)"
  description = "The skill's name, whoever named it."

  depends_on = [honeycombio_column.event]
}

resource "honeycombio_derived_column" "plugin" {
  dataset     = honeycombio_dataset.skillway.slug
  alias       = "dc.plugin"
  expression  = "COALESCE($plugin.name, REG_VALUE($skill.name, `^([^:]+):`))"
  description = "The plugin of a skill's name."

  depends_on = [honeycombio_column.event]
}

resource "honeycombio_derived_column" "denied" {
  dataset     = honeycombio_dataset.skillway.slug
  alias       = "dc.denied"
  expression  = "IF(EQUALS($hook.decision, \"deny\"), 1, 0)"
  description = "1 for a decision that stopped a call."

  depends_on = [honeycombio_column.event]
}
