output "topology" {
  description = "Name, ARNs and limits of the function."
  value = {
    name                    = aws_lambda_function.this.function_name
    arn                     = aws_lambda_function.this.arn
    alias                   = aws_lambda_alias.live.name
    alias_arn               = aws_lambda_alias.live.arn
    version                 = aws_lambda_function.this.version
    log_group               = aws_cloudwatch_log_group.this.name
    architecture            = var.architecture
    timeout_s               = aws_lambda_function.this.timeout
    memory_mb               = aws_lambda_function.this.memory_size
    reserved_concurrency    = var.reserved_concurrency
    provisioned_concurrency = var.provisioned_concurrency
    batch_size              = var.queue == null ? null : var.queue.batch_size
    batch_window_s          = var.queue == null ? null : var.queue.batch_window_s
    maximum_concurrency     = var.queue == null ? null : var.queue.maximum_concurrency
    mapping_id              = var.queue == null ? null : aws_lambda_event_source_mapping.queue[0].uuid
  }
}

output "invoke_arn" {
  description = "ARN by which API Gateway invokes the alias."
  value       = aws_lambda_alias.live.invoke_arn
}

output "name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "alias" {
  description = "Name of the alias that callers use."
  value       = aws_lambda_alias.live.name
}
