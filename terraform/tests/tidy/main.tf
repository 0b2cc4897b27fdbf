# Reads the text of the configuration, for rules that hold for every present and future resource.

locals {
  root  = "${path.module}/../.."
  files = { for file in setunion(fileset(local.root, "*.tf"), fileset(local.root, "modules/*/*.tf")) : file => file("${local.root}/${file}") }

  # A block ends at the first closing brace in the first column.
  resources = flatten([for file, text in local.files : [
    for block in regexall("(?s)\nresource \"([a-z0-9_]+)\" \"([a-z0-9_]+)\" \\{\n(.*?)\n\\}", "\n${text}") : { file = file, type = block[0], name = block[1], body = block[2] }
  ]])

  variables = flatten([for file, text in local.files : [
    for block in regexall("(?s)\nvariable \"([a-z0-9_]+)\" \\{\n(.*?)\n\\}", "\n${text}") : { file = file, name = block[0], body = block[1] }
  ]])

  outputs = flatten([for file, text in local.files : [
    for block in regexall("(?s)\noutput \"([a-z0-9_]+)\" \\{\n(.*?)\n\\}", "\n${text}") : { file = file, name = block[0], body = block[1] }
  ]])

  # Resource types to which AWS or the provider gives no tags.
  untaggable = [
    "aws_api_gateway_account", "aws_api_gateway_base_path_mapping", "aws_api_gateway_deployment", "aws_api_gateway_gateway_response",
    "aws_api_gateway_integration", "aws_api_gateway_method", "aws_api_gateway_method_settings", "aws_api_gateway_resource",
    "aws_appautoscaling_policy", "aws_backup_selection", "aws_cloudwatch_query_definition", "aws_iam_role_policy",
    "aws_iam_role_policy_attachment", "aws_kms_alias", "aws_lambda_alias", "aws_lambda_permission",
    "aws_lambda_provisioned_concurrency_config", "aws_route53_record", "aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket_metric",
    "aws_s3_bucket_ownership_controls", "aws_s3_bucket_policy", "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_versioning", "aws_scheduler_schedule",
    "aws_sns_topic_policy", "aws_sns_topic_subscription", "aws_wafv2_web_acl_association",
  ]
}

output "resource_count" {
  description = "How many resource blocks were found."
  value       = length(local.resources)
}

output "untagged" {
  description = "Resources that could have the tags but lack them."
  value = [for resource in local.resources : "${resource.file}: ${resource.type}.${resource.name}"
  if !contains(local.untaggable, resource.type) && !can(regex("(?m)^  tags += var\\.tags$", resource.body))]
}

output "undescribed" {
  description = "Variables and outputs without a description."
  value       = [for block in concat(local.variables, local.outputs) : "${block.file}: ${block.name}" if !can(regex("(?m)^  description = ", block.body))]
}

output "unnamed_refusals" {
  description = "Variables with a rule whose message does not begin with the variable's name."
  value = [for variable in local.variables : "${variable.file}: ${variable.name}"
    if anytrue([for message in regexall("error_message = \"([^\"]*)", variable.body) :
  !startswith(message[0], variable.name) && !startswith(message[0], "Each of ${variable.name}.")])]
}

output "unexplained_skips" {
  description = "Skipped checks without a reason."
  value       = flatten([for file, text in local.files : [for skip in regexall("checkov[:]skip=([A-Z0-9_]+)(:.{20,})?", text) : "${file}: ${skip[0]}" if skip[1] == null || skip[1] == ""]])
}

output "deleted_too_early" {
  description = "Alarms that CloudWatch would refuse to delete, because a composite names them until it is changed."
  value = [for resource in local.resources : "${resource.file}: ${resource.type}.${resource.name}"
    if startswith(resource.file, "modules/alarms/") && contains(["aws_cloudwatch_metric_alarm.rule", "aws_cloudwatch_composite_alarm.rule", "aws_cloudwatch_metric_alarm.reporter", "aws_cloudwatch_metric_alarm.out_of_hours"], "${resource.type}.${resource.name}") &&
  !can(regex("(?m)^    create_before_destroy = true$", resource.body))]
}

output "environment_in_code" {
  description = "Environment variables that functions are given."
  value       = toset(flatten(regexall("(?m)^ +([A-Z][A-Z_]{5,}) +=", join("\n", [local.files["functions.tf"], local.files["modules/reporter/outputs.tf"]]))))
}

output "environment_in_readme" {
  description = "Environment variables in the README's table."
  value       = toset(flatten(regexall("(?m)^\\| `([A-Z][A-Z_]{5,})` \\|", file("${local.root}/README.md"))))
}

output "variables_in_root" {
  description = "Variables of the root module."
  value       = toset([for variable in local.variables : variable.name if !startswith(variable.file, "modules/")])
}

output "variables_in_readme" {
  description = "Variables in the README's table."
  value       = toset(flatten(regexall("(?m)^\\| `([a-z_]+)` \\|", split("\n## ", split("\n## Variables\n", file("${local.root}/README.md"))[1])[0])))
}
