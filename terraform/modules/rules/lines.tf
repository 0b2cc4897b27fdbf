# Where things stand in a file, which yamldecode does not tell. Rule files are in block style; of one written otherwise
# the line is that of the nearest thing around it that was found.

locals {
  # Only when something is wrong: all of this is a lot of work for a plan without problems.
  suspects = length(local.unreadable) + length(local.misshapen) + length(local.senseless) + length(local.taken) + length(local.references) > 0 ? var.files : {}

  lines = { for file, text in local.suspects : file => split("\n", replace(text, "\r\n", "\n")) }

  # Index of the line with `rules:`, and how far its items are indented.
  list_at = { for file, lines in local.lines : file => try([for index, line in lines : index if can(regex("^rules:", line))][0], length(lines)) }
  indent  = { for file, lines in local.lines : file => try([for index, line in lines : length(regex("^ *", line)) if index > local.list_at[file] && can(regex("^\\s*[^\\s#]", line))][0], 0) }

  # Lines on which rules begin, counted from 1, and the line after the last.
  starts = { for file, lines in local.lines : file => [for index, line in lines : index + 1 if index > local.list_at[file] && can(regex("^ {${local.indent[file]}}-", line))] }
  bounds = { for file, starts in local.starts : file => concat(starts, [length(local.lines[file]) + 1]) }

  # For each rule: line by field, and the lines on which metrics begin.
  spans = { for file, starts in local.starts : file => [for rule, start in starts : [
    for number in range(start, local.bounds[file][rule + 1]) : { number = number, text = number == start ? replace(local.lines[file][number - 1], "/^( *)- */", "$1  ") : local.lines[file][number - 1] }
  ]] }

  fields = { for file, spans in local.spans : file => [for span in spans : {
    for field, numbers in { for line in span : regex("^ *([^:]*)", line.text)[0] => line.number... if can(regex("^ {${local.indent[file] + 2}}[^ #-]", line.text)) } : field => numbers[0]
  }] }

  metrics = { for file, spans in local.spans : file => [for span in spans : [for line in span : line.number if can(regex("^ *- id:", line.text))]] }

  # For each metric: the line after its last.
  metric_ends = { for file, rules in local.metrics : file => [for rule, starts in rules : [
    for start in starts : min(concat([for next in concat(starts, values(local.fields[file][rule])) : next if next > start], [local.bounds[file][rule + 1]])...)
  ]] }

  dimensions = { for file, rules in local.metrics : file => [for rule, starts in rules : [for metric, start in starts : [
    for number in range(start + 1, local.metric_ends[file][rule][metric]) : number if can(regex("^ *- ", local.lines[file][number - 1]))
  ]]] }

  links = { for file, spans in local.spans : file => [for rule, span in spans : [
    for line in span : line.number if try(line.number > local.fields[file][rule].links && line.number < min(concat([for next in values(local.fields[file][rule]) : next if next > local.fields[file][rule].links], [local.bounds[file][rule + 1]])...), false) && can(regex("^ *- ", line.text))
  ]] }
}
