output "topology" {
  description = "Id, names, URLs and limits of the API."
  value = {
    id                 = aws_api_gateway_rest_api.this.id
    name               = aws_api_gateway_rest_api.this.name
    stage              = aws_api_gateway_stage.this.stage_name
    stage_arn          = aws_api_gateway_stage.this.arn
    url                = "${local.base_url}/events"
    authorization      = var.authorization
    throttle           = var.throttle
    max_request_bytes  = var.max_request_bytes
    access_log_group   = aws_cloudwatch_log_group.access.name
    cloudfront_domain  = var.cloudfront == null ? null : aws_cloudfront_distribution.this[0].domain_name
    cloudfront_zone_id = var.cloudfront == null ? null : aws_cloudfront_distribution.this[0].hosted_zone_id
    web_acl_arn        = var.waf == null ? null : aws_wafv2_web_acl.this[0].arn
  }

  # The URL works only when all of these resources exist.
  depends_on = [
    aws_api_gateway_base_path_mapping.this,
    aws_api_gateway_method_settings.all,
    aws_lambda_permission.api,
    aws_lambda_permission.any,
  ]
}

output "distribution_id" {
  description = "Id of the CloudFront distribution; null if there is none."
  value       = one(aws_cloudfront_distribution.this[*].id)
}

locals {
  # The first of these that is configured: CloudFront, the custom domain name, the API's own URL.
  base_url = (
    var.cloudfront != null ? "https://${try(var.cloudfront.aliases[0], aws_cloudfront_distribution.this[0].domain_name)}" :
    var.custom_domain != null ? "https://${var.custom_domain.name}" :
    aws_api_gateway_stage.this.invoke_url
  )
}
