output "arns" {
  description = "ARNs of the topics by tier. Available once publishing to the topics is allowed."
  value       = { for tier, policy in aws_sns_topic_policy.this : tier => policy.arn }
}

output "names" {
  description = "Names of the topics by tier."
  value       = { for tier, topic in aws_sns_topic.this : tier => topic.name }
}
