# A web ACL on the stage. Rules that inspect bodies only count matches: an event is never refused because of its
# content.

locals {
  waf_rule_groups = var.waf == null ? {} : {
    AWSManagedRulesAmazonIpReputationList = { priority = 2, count_only = [] }
    AWSManagedRulesKnownBadInputsRuleSet  = { priority = 3, count_only = ["Log4JRCE_BODY", "JavaDeserializationRCE_BODY", "ReactJSRCE_BODY"] }
    AWSManagedRulesCommonRuleSet = { priority = 4, count_only = [
      "NoUserAgent_HEADER", "SizeRestrictions_BODY", "EC2MetaDataSSRF_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "CrossSiteScripting_BODY",
    ] }
  }
}

resource "aws_wafv2_web_acl" "this" {
  # checkov:skip=CKV_AWS_192:The rule group is there (AWSManagedRulesKnownBadInputsRuleSet), in a dynamic block, which checkov does not follow.
  # checkov:skip=CKV2_AWS_31:What the ACL did with a request is in the API's access log (field waf) and in CloudWatch; full logs would hold headers of every request.
  count = var.waf == null ? 0 : 1

  name        = var.name
  description = "Guards the API of ${var.name}"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "requests-per-address"
    priority = 1

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        limit                 = var.waf.requests_per_address
        evaluation_window_sec = 300
        aggregate_key_type    = var.cloudfront == null ? "IP" : "FORWARDED_IP"

        # Behind CloudFront, every request comes from one of CloudFront's addresses.
        dynamic "forwarded_ip_config" {
          for_each = var.cloudfront == null ? [] : [1]

          content {
            header_name       = "X-Forwarded-For"
            fallback_behavior = "MATCH"
          }
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "requests-per-address"
      sampled_requests_enabled   = false
    }
  }

  dynamic "rule" {
    for_each = local.waf_rule_groups

    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key

          dynamic "rule_action_override" {
            for_each = rule.value.count_only

            content {
              name = rule_action_override.value

              action_to_use {
                count {}
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
        sampled_requests_enabled   = false
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = false
  }

  tags = var.tags
}

resource "aws_wafv2_web_acl_association" "stage" {
  count = var.waf == null ? 0 : 1

  resource_arn = aws_api_gateway_stage.this.arn
  web_acl_arn  = aws_wafv2_web_acl.this[0].arn
}
