# What holds between rules. Names are judged among the rules that are well formed; what refers to others only if all are.

locals {
  formed = [for one in local.sense : { file = one.file, index = one.index, name = one.rule.name, tier = one.rule.tier, notify = try(one.rule.notify, true), low_twin = try(one.rule.low_twin, null) } if length(one.found) == 0]

  # The last one of a name stands for it, as each is told of the one before.
  known = { for name, rules in { for rule in local.formed : rule.name => rule... } : name => rules[length(rules) - 1] }

  taken = flatten([for i, rule in local.formed : [
    for before in [[for other in slice(local.formed, 0, i) : other if other.name == rule.name]] : merge(rule, { before = before[length(before) - 1] }) if length(before) > 0
  ] if length([for other in local.formed : other if other.name == rule.name]) > 1])

  taken_problems = [for rule in local.taken : {
    file    = rule.file
    line    = try(local.starts[rule.file][rule.index], 1)
    message = "${rule.name}: the name is taken by the rule at ${rule.before.file}:${try(local.starts[rule.before.file][rule.before.index], 1)}"
  }]

  # Names in a composite's rule, and all that these lead to, over up to 32 steps.
  leads_1  = { for rule in local.alarm_rules : rule.name => distinct([for call in regexall("(?:ALARM|OK|INSUFFICIENT_DATA)\\s*\\(\\s*\"?([^)\"\\s]+)\"?\\s*\\)", rule.text) : call[0]])... }
  leads    = { for name, lists in local.leads_1 : name => distinct(flatten(lists)) }
  leads_2  = { for name, list in local.leads : name => distinct(concat(list, flatten([for next in list : try(local.leads[next], [])]))) }
  leads_4  = { for name, list in local.leads_2 : name => distinct(concat(list, flatten([for next in list : try(local.leads_2[next], [])]))) }
  leads_8  = { for name, list in local.leads_4 : name => distinct(concat(list, flatten([for next in list : try(local.leads_4[next], [])]))) }
  leads_16 = { for name, list in local.leads_8 : name => distinct(concat(list, flatten([for next in list : try(local.leads_8[next], [])]))) }
  leads_32 = { for name, list in local.leads_16 : name => distinct(concat(list, flatten([for next in list : try(local.leads_16[next], [])]))) }

  complete = length(local.unreadable) + length(local.misshapen) + length(local.senseless) == 0

  references = [for problem in flatten([for rule in local.formed : concat(
    rule.low_twin == null ? [] : [merge(rule, { text = (
      !contains(keys(local.known), rule.low_twin) ? "low_twin: no rule is called `${rule.low_twin}`" :
      local.known[rule.low_twin].tier != "low" || !local.known[rule.low_twin].notify ? "low_twin: `${rule.low_twin}` must be of tier low, and tell somebody" : ""
    ) })],
    [for name in try(local.leads[rule.name], []) : merge(rule, { text = "alarm_rule: no rule is called `${name}`" }) if !contains(keys(local.known), name)],
    contains(try(local.leads_32[rule.name], []), rule.name) ? [merge(rule, { text = "alarm_rule: refers to itself" })] : [],
  )]) : problem if problem.text != "" && local.complete]

  reference_problems = [for problem in local.references : { file = problem.file, line = try(local.starts[problem.file][problem.index], 1), message = "${problem.name}: ${problem.text}" }]
}
