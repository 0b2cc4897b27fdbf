output "trace_group" {
  description = "Name of the X-Ray group; null without one."
  value       = var.trace_group ? aws_xray_group.this[0].group_name : null
}
