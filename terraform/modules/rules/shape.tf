# What a file holds and of which type it is. As in any reader of a typed format, one file is told of its first problem
# only, and its rules are looked at no further.

locals {
  wanted_rule = {
    name                = "string"
    kind                = "metric budget composite"
    tier                = "high low"
    notify              = "bool"
    summary             = "string"
    impact              = "string"
    runbook             = "string"
    low_twin            = "string"
    links               = "sequence"
    metrics             = "sequence"
    expression          = "string"
    period              = "u32"
    comparison          = "GreaterThanThreshold GreaterThanOrEqualToThreshold LessThanThreshold LessThanOrEqualToThreshold"
    threshold           = "f64"
    limit               = "string"
    datapoints_to_alarm = "usize"
    evaluation_periods  = "usize"
    missing_data        = "missing ignore breaching notBreaching"
    low_samples         = "evaluate ignore"
    alarm_rule          = "string"
  }
  wanted_metric    = { id = "string", namespace = "string", metric = "string", statistic = "statistic", dimensions = "sequence" }
  wanted_dimension = { name = "string", resource = "string", value = "string" }
  wanted_link      = { title = "string", page = "string" }

  # Fields in the order in which they are named to whoever wrote another one; maps above are sorted by name.
  rule_fields = [
    "name", "kind", "tier", "notify", "summary", "impact", "runbook", "low_twin", "links", "metrics", "expression", "period", "comparison", "threshold",
    "limit", "datapoints_to_alarm", "evaluation_periods", "missing_data", "low_samples", "alarm_rule",
  ]

  # Every map of every file: where it is (rule, link, metric, dimension), its fields as JSON, and what it should be.
  maps = concat(
    [for file, document in local.documents : {
      file     = file, path = "", place = [], is_map = can(keys(document)), wanted = { subsystem = "string", rules = "sequence" }
      content  = { for field in try(keys(document), []) : field => try(jsonencode(document[field]), "inf") }
      required = ["subsystem", "rules"], known = ["subsystem", "rules"]
    }],
    flatten([for file, rules in local.raw : [for r, rule in rules : concat(
      [{
        file     = file, path = "rules[${r}]", place = [r], is_map = can(keys(rule)), wanted = local.wanted_rule
        content  = { for field in try(keys(rule), []) : field => try(jsonencode(rule[field]), "inf") }
        required = ["name", "kind", "tier", "summary", "impact", "runbook"], known = local.rule_fields
      }],
      [for l, link in try([for link in rule.links : link], []) : {
        file     = file, path = "rules[${r}].links[${l}]", place = [r, l], is_map = can(keys(link)), wanted = local.wanted_link
        content  = { for field in try(keys(link), []) : field => try(jsonencode(link[field]), "inf") }
        required = ["title", "page"], known = ["title", "page"]
      }],
      flatten([for m, metric in try([for metric in rule.metrics : metric], []) : concat(
        [{
          file     = file, path = "rules[${r}].metrics[${m}]", place = [r, -1, m], is_map = can(keys(metric)), wanted = local.wanted_metric
          content  = { for field in try(keys(metric), []) : field => try(jsonencode(metric[field]), "inf") }
          required = ["id", "namespace", "metric", "statistic"], known = ["id", "namespace", "metric", "statistic", "dimensions"]
        }],
        [for d, dimension in try([for dimension in metric.dimensions : dimension], []) : {
          file     = file, path = "rules[${r}].metrics[${m}].dimensions[${d}]", place = [r, -1, m, d], is_map = can(keys(dimension)), wanted = local.wanted_dimension
          content  = { for field in try(keys(dimension), []) : field => try(jsonencode(dimension[field]), "inf") }
          required = ["name"], known = ["name", "resource", "value"]
        }],
      )]),
    )]]),
  )

  values = flatten([for map in local.maps : [for field, json in map.content : {
    file  = map.file
    path  = map.path
    place = map.place
    field = field
    json  = json
    want  = try(map.wanted[field], "nothing")
    known = map.known
  }]])

  types = { string = "a string", bool = "a boolean", u32 = "u32", usize = "usize", f64 = "f64", sequence = "a sequence" }

  # `at` is where the problem is told: on the field's line, where its map begins, or (for order only) where that ends.
  misshapen = concat(
    [for value in local.values : {
      file = value.file, place = value.place, field = value.field, at = "field"
      text = "${value.path == "" ? "" : "${value.path}: "}unknown field `${value.field}`, expected ${length(value.known) == 2 ? join(" or ", formatlist("`%s`", value.known)) : "one of ${join(", ", formatlist("`%s`", value.known))}"}"
    } if value.want == "nothing"],

    [for value in local.values : {
      file = value.file, place = value.place, field = value.field, at = "field"
      text = "${value.path == "" ? "" : "${value.path}."}${value.field}: invalid type: ${
        value.json == "null" ? "unit value" : startswith(value.json, "\"") ? "string ${value.json}" : startswith(value.json, "[") ? "sequence" : startswith(value.json, "{") ? "map" :
        can(regex("^-?[0-9]+$", value.json)) ? "integer `${value.json}`" : can(regex("^-?[0-9]", value.json)) ? "floating point `${value.json}`" : "boolean `${value.json}`"
      }, expected ${local.types[value.want]}"
      } if contains(keys(local.types), value.want) && value.json != "null" && !try(can(regex({
        string   = "^[^\\[{]"
        bool     = "^(true|false)$"
        u32      = "^[0-9]+$"
        usize    = "^[0-9]+$"
        f64      = "^(-?[0-9]|inf$)"
        sequence = "^\\["
    }[value.want], value.json)), true)],

    [for value in local.values : {
      file = value.file, place = value.place, field = value.field, at = "field"
      text = "${value.path}.${value.field}: unknown variant `${jsondecode(value.json)}`, expected ${length(split(" ", value.want)) == 2 ? join(" or ", formatlist("`%s`", split(" ", value.want))) : "one of ${join(", ", formatlist("`%s`", split(" ", value.want)))}"}"
    } if strcontains(value.want, " ") && value.json != "null" && !contains(split(" ", value.want), try(tostring(jsondecode(value.json)), ""))],

    [for value in local.values : {
      file = value.file, place = value.place, field = value.field, at = "begin"
      text = "${value.path}: unknown statistic `${try(tostring(jsondecode(value.json)), value.json)}`, expected Average, Sum, Minimum, Maximum, SampleCount or a percentile such as p99"
    } if value.want == "statistic" && !can(regex("^\"(Average|Sum|Minimum|Maximum|SampleCount|p(0*[1-9][0-9]?(\\.[0-9]{1,2}0*)?|0*\\.0*[1-9][0-9]?|0+\\.(0[1-9]|[1-9][0-9]?)0*))\"$", value.json))],

    [for map in local.maps : {
      file = map.file, place = map.place, field = "", at = "end"
      text = "${map.path == "" ? "" : "${map.path}: "}missing field `${[for field in map.required : field if !contains(keys(map.content), field)][0]}`"
    } if map.is_map && anytrue([for field in map.required : !contains(keys(map.content), field)])],

    [for map in local.maps : {
      file = map.file, place = map.place, field = "", at = "begin"
      text = "${map.path == "" ? "" : "${map.path}: "}expected fields with values, one a line"
    } if !map.is_map],
  )

  # Where each is.
  placed = [for shape in local.misshapen : merge(shape, {
    begin = (
      length(shape.place) == 0 ? 1 :
      length(shape.place) == 1 ? try(local.starts[shape.file][shape.place[0]], 1) :
      length(shape.place) == 2 ? try(local.links[shape.file][shape.place[0]][shape.place[1]], local.fields[shape.file][shape.place[0]].links, 1) :
      length(shape.place) == 3 ? try(local.metrics[shape.file][shape.place[0]][shape.place[2]], local.fields[shape.file][shape.place[0]].metrics, 1) :
      try(local.dimensions[shape.file][shape.place[0]][shape.place[2]][shape.place[3]], local.metrics[shape.file][shape.place[0]][shape.place[2]], 1)
    )
    end = (
      length(shape.place) == 0 ? 1000000 :
      length(shape.place) == 1 ? try(local.bounds[shape.file][shape.place[0] + 1], 1000000) :
      length(shape.place) == 2 ? try(local.links[shape.file][shape.place[0]][shape.place[1]], local.fields[shape.file][shape.place[0]].links, 1) + 1 :
      length(shape.place) == 3 ? try(local.metric_ends[shape.file][shape.place[0]][shape.place[2]], 1000000) :
      try(local.dimensions[shape.file][shape.place[0]][shape.place[2]][shape.place[3]], local.metrics[shape.file][shape.place[0]][shape.place[2]], 1) + 1
    )
  })]

  lined = [for shape in local.placed : merge(shape, {
    line = shape.at != "field" ? shape.begin : try(
      length(shape.place) == 1 ? local.fields[shape.file][shape.place[0]][shape.field] : tonumber("none"),
      [for number in range(shape.begin, min(shape.end, length(local.lines[shape.file]) + 1)) : number if can(regex("^[ -]*[{]?.*\\b${shape.field}:", local.lines[shape.file][number - 1]))][0],
      shape.begin,
    )
  })]

  # In the order in which a reader comes upon them; that something is missing is known at the end.
  ordered = [for shape in local.lined : merge(shape, { order = shape.at == "end" ? shape.end - 0.5 : shape.line })]

  shape_problems = [for file in distinct(local.misshapen[*].file) : [
    for shape in local.ordered : { file = file, line = shape.line, message = shape.text } if shape.file == file && shape.order == min([for other in local.ordered : other.order if other.file == file]...)
  ][0]]
}
