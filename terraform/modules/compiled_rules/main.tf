# Reads what `spillway alarms compile` wrote: checked, flat JSON. The crate spillway-alerts (alerts/src/rules) is the only reader of
# the rule files themselves; nothing is parsed here.

locals {
  # The form that this module knows: `FORMAT` in alerts/src/rules/compiled.rs.
  format = 1

  exists   = fileexists(var.file)
  text     = local.exists ? file(var.file) : ""
  document = { for key, value in try(jsondecode(local.text), {}) : key => value }
  hash     = try(tostring(local.document.sha256), "")

  # The hash covers the text in which the hash itself is left empty.
  computed = sha256(replace(local.text, "\"sha256\": \"${local.hash}\",\n", "\"sha256\": \"\",\n"))

  problem = (
    !local.exists ? "${var.file} does not exist; `spillway alarms compile DIR --out FILE` writes it" :
    !can(tonumber(local.document.format)) ? "${var.file} is no file of compiled rules; `spillway alarms compile DIR --out FILE` writes one" :
    local.document.format != local.format ? "${var.file} has format ${local.document.format}, expected ${local.format}; run `spillway alarms compile` of this version again" :
    local.hash != local.computed ? "${var.file} was changed after it was compiled; change the rule files and run `spillway alarms compile` again" : ""
  )

  usable = local.problem == "" ? [local.document] : []
  limits = merge(concat([for document in local.usable : document.limits], [var.limits])...)

  # A threshold with a limit is a share of it. Terraform multiplies with more digits than a threshold has: 0.7 of 10 is 7.
  rules = { for rule in flatten([for document in local.usable : document.rules]) : rule.name => merge(rule, {
    threshold = rule.limit == null ? rule.threshold : tonumber(format("%.12g", rule.threshold * local.limits[rule.limit]))
  }) }
}
