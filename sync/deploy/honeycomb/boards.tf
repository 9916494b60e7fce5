# What is shown; the same as `boards` of boards.json.

resource "honeycombio_flexible_board" "skills" {
  name        = "skillway: skills"
  description = "Which skills are used, by how many people and teams, and which fail. People are pseudonyms; read no group of fewer than five."

  panel {
    type = "text"

    text_panel {
      content = "Skills that nobody uses cannot be seen here: `skillway usage report` sets uses against the catalogue."
    }

    position {
      x_coordinate = 0
      y_coordinate = 0
      width        = 12
      height       = 2
    }
  }

  panel {
    type = "query"

    query_panel {
      query_id            = honeycombio_query.most_used_skills.id
      query_annotation_id = honeycombio_query_annotation.most_used_skills.id
      query_style         = "table"
    }

    position {
      x_coordinate = 0
      y_coordinate = 2
      width        = 6
      height       = 5
    }
  }

  panel {
    type = "query"

    query_panel {
      query_id            = honeycombio_query.adoption_by_team.id
      query_annotation_id = honeycombio_query_annotation.adoption_by_team.id
      query_style         = "combo"
    }

    position {
      x_coordinate = 6
      y_coordinate = 2
      width        = 6
      height       = 5
    }
  }

  panel {
    type = "query"

    query_panel {
      query_id            = honeycombio_query.failing_skills.id
      query_annotation_id = honeycombio_query_annotation.failing_skills.id
      query_style         = "table"
    }

    position {
      x_coordinate = 0
      y_coordinate = 7
      width        = 6
      height       = 5
    }
  }

  panel {
    type = "query"

    query_panel {
      query_id            = honeycombio_query.who_asks.id
      query_annotation_id = honeycombio_query_annotation.who_asks.id
      query_style         = "graph"
    }

    position {
      x_coordinate = 6
      y_coordinate = 7
      width        = 6
      height       = 5
    }
  }

  panel {
    type = "query"

    query_panel {
      query_id            = honeycombio_query.pull_requests.id
      query_annotation_id = honeycombio_query_annotation.pull_requests.id
      query_style         = "graph"
    }

    position {
      x_coordinate = 0
      y_coordinate = 12
      width        = 12
      height       = 5
    }
  }
}

resource "honeycombio_flexible_board" "safety" {
  name        = "skillway: guard and fleet"
  description = "What the guard stopped, which release laptops run, and whether telemetry itself is well."

  panel {
    type = "query"

    query_panel {
      query_id            = honeycombio_query.hook_denials.id
      query_annotation_id = honeycombio_query_annotation.hook_denials.id
      query_style         = "table"
    }

    position {
      x_coordinate = 0
      y_coordinate = 0
      width        = 6
      height       = 5
    }
  }

  panel {
    type = "query"

    query_panel {
      query_id            = honeycombio_query.hook_latency.id
      query_annotation_id = honeycombio_query_annotation.hook_latency.id
      query_style         = "graph"
    }

    position {
      x_coordinate = 6
      y_coordinate = 0
      width        = 6
      height       = 5
    }
  }

  panel {
    type = "query"

    query_panel {
      query_id            = honeycombio_query.hook_errors.id
      query_annotation_id = honeycombio_query_annotation.hook_errors.id
      query_style         = "table"
    }

    position {
      x_coordinate = 0
      y_coordinate = 5
      width        = 6
      height       = 5
    }
  }

  panel {
    type = "query"

    query_panel {
      query_id            = honeycombio_query.releases_in_use.id
      query_annotation_id = honeycombio_query_annotation.releases_in_use.id
      query_style         = "combo"
    }

    position {
      x_coordinate = 6
      y_coordinate = 5
      width        = 6
      height       = 5
    }
  }

  panel {
    type = "query"

    query_panel {
      query_id            = honeycombio_query.sync_failures.id
      query_annotation_id = honeycombio_query_annotation.sync_failures.id
      query_style         = "table"
    }

    position {
      x_coordinate = 0
      y_coordinate = 10
      width        = 6
      height       = 5
    }
  }

  panel {
    type = "query"

    query_panel {
      query_id            = honeycombio_query.telemetry_health.id
      query_annotation_id = honeycombio_query_annotation.telemetry_health.id
      query_style         = "table"
    }

    position {
      x_coordinate = 6
      y_coordinate = 10
      width        = 6
      height       = 5
    }
  }
}
