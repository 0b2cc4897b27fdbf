# CloudFront in front of the API: clients connect to the nearest AWS edge location. It caches nothing.

locals {
  # Policies managed by AWS, which are the same in every account.
  cloudfront_policies = {
    caching_disabled    = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    all_viewer_but_host = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    security_headers    = "67f7725c-6f97-4210-82d7-5512b31e9d03"
  }
}

resource "aws_cloudfront_distribution" "this" {
  # checkov:skip=CKV2_AWS_32:The policy is AWS's own, named by its id; checkov looks for one made here.
  # checkov:skip=CKV_AWS_86:Each request is in the API's access log.
  # checkov:skip=CKV_AWS_305:There is no page: the API only accepts events.
  # checkov:skip=CKV_AWS_310:The origin is one regional API; a second region is a second deployment.
  # checkov:skip=CKV_AWS_374:Senders may be in any country.
  # checkov:skip=CKV2_AWS_47:A web ACL on the stage (api.waf) sees the same requests; one for the edge is api.cloudfront.web_acl_arn.
  count = var.cloudfront == null ? 0 : 1

  enabled         = true
  comment         = "Events for ${var.name}"
  aliases         = var.cloudfront.aliases
  price_class     = var.cloudfront.price_class
  http_version    = "http2and3"
  is_ipv6_enabled = true
  web_acl_id      = var.cloudfront.web_acl_arn

  origin {
    origin_id   = "api"
    domain_name = "${aws_api_gateway_rest_api.this.id}.execute-api.${var.region}.${var.dns_suffix}"
    origin_path = "/${aws_api_gateway_stage.this.stage_name}"

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  default_cache_behavior {
    target_origin_id           = "api"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = local.cloudfront_policies.caching_disabled
    origin_request_policy_id   = local.cloudfront_policies.all_viewer_but_host
    response_headers_policy_id = local.cloudfront_policies.security_headers
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn            = var.cloudfront.certificate_arn
    cloudfront_default_certificate = var.cloudfront.certificate_arn == null
    ssl_support_method             = var.cloudfront.certificate_arn == null ? null : "sni-only"
    minimum_protocol_version       = var.cloudfront.certificate_arn == null ? "TLSv1" : "TLSv1.2_2021"
  }

  tags = var.tags
}
