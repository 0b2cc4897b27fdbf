mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                = "demo"
  stage               = "v1"
  function            = { name = "demo-ingest", alias = "live", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:123456789012:function:demo-ingest:live/invocations" }
  authorization       = "NONE"
  throttle            = { rate_per_s = 10000, burst = 5000 }
  max_request_bytes   = 1048576
  custom_domain       = null
  waf                 = null
  cloudfront          = null
  manage_account_role = true
  log_retention_days  = 30
  region              = "eu-central-1"
  partition           = "aws"
  dns_suffix          = "amazonaws.com"
  kms_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  tags                = { spillway = "demo" }
}

run "every_request_can_be_traced_and_is_logged_and_throttled" {
  module {
    source = "./modules/api"
  }

  assert {
    condition     = aws_api_gateway_stage.this.xray_tracing_enabled
    error_message = "X-Ray tracing of the stage is active."
  }

  assert {
    condition     = jsondecode(aws_api_gateway_stage.this.access_log_settings[0].format).trace_id == "$context.xrayTraceId"
    error_message = "A line of the access log names the trace."
  }

  assert {
    condition     = !strcontains(aws_api_gateway_stage.this.access_log_settings[0].format, "body")
    error_message = "The access log has no part of an event."
  }

  assert {
    condition     = !strcontains(aws_api_gateway_stage.this.access_log_settings[0].format, "$context.error.message")
    error_message = "The access log has no text that the client chooses and that may quote its credentials."
  }

  assert {
    condition     = aws_cloudwatch_log_group.access.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.access.retention_in_days == 30
    error_message = "Access logs are encrypted, and deleted after the configured days."
  }

  assert {
    condition = (
      aws_cloudwatch_log_group.execution.name == "API-Gateway-Execution-Logs_mocked-api/v1" &&
      aws_cloudwatch_log_group.execution.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.execution.retention_in_days == 30
    )
    error_message = "API Gateway's own log has the same key and retention. API Gateway would create it with neither."
  }

  assert {
    condition     = aws_api_gateway_method_settings.all.method_path == "*/*" && aws_api_gateway_method_settings.all.settings[0].throttling_rate_limit == 10000 && aws_api_gateway_method_settings.all.settings[0].throttling_burst_limit == 5000
    error_message = "The throttle applies to every method."
  }

  assert {
    condition     = !aws_api_gateway_method_settings.all.settings[0].data_trace_enabled
    error_message = "Bodies are not written to the execution log."
  }
}

run "bodies_reach_the_function_byte_for_byte" {
  module {
    source = "./modules/api"
  }

  assert {
    condition     = aws_api_gateway_rest_api.this.binary_media_types == tolist(["*/*"])
    error_message = "Every body is passed on as binary: otherwise bytes that are not UTF-8 would be replaced."
  }

  assert {
    condition     = aws_api_gateway_integration.post_events.type == "AWS_PROXY" && aws_api_gateway_integration.post_events.uri == var.function.invoke_arn
    error_message = "The function gets the request as it came."
  }
}

run "only_this_route_may_invoke_the_function" {
  module {
    source = "./modules/api"
  }

  assert {
    condition     = aws_lambda_permission.api.source_arn == "arn:aws:execute-api:eu-central-1:123456789012:mocked-api/v1/POST/events" && aws_lambda_permission.api.qualifier == "live"
    error_message = "API Gateway may invoke the alias for POST /events of this API and stage, and for nothing else."
  }
}

run "the_apis_own_refusals_are_problem_documents" {
  module {
    source = "./modules/api"
  }

  assert {
    condition     = alltrue([for refusal in aws_api_gateway_gateway_response.refusal : refusal.response_parameters["gatewayresponse.header.Content-Type"] == "'application/problem+json'"])
    error_message = "Every refusal has the content type of problem details."
  }

  assert {
    condition     = alltrue([for refusal in aws_api_gateway_gateway_response.refusal : jsondecode(refusal.response_templates["application/json"]).status == tonumber(refusal.status_code)])
    error_message = "The status in the document is the status of the answer."
  }

  assert {
    condition     = aws_api_gateway_gateway_response.refusal["THROTTLED"].status_code == "429" && aws_api_gateway_gateway_response.refusal["REQUEST_TOO_LARGE"].status_code == "413" && aws_api_gateway_gateway_response.refusal["MISSING_AUTHENTICATION_TOKEN"].status_code == "404"
    error_message = "Too many requests are 429, too large a request is 413, an unknown route is 404."
  }

  assert {
    condition     = alltrue([for refusal in aws_api_gateway_gateway_response.refusal : contains(keys(refusal.response_parameters), "gatewayresponse.header.Retry-After") if contains(["429", "502", "503", "504"], refusal.status_code)])
    error_message = "An answer that asks for a retry says when."
  }

  assert {
    condition     = length(setsubtract(["DEFAULT_4XX", "DEFAULT_5XX"], keys(aws_api_gateway_gateway_response.refusal))) == 0
    error_message = "An answer of API Gateway that has no own entry is a problem document too."
  }

  assert {
    condition     = !anytrue([for refusal in aws_api_gateway_gateway_response.refusal : strcontains(refusal.response_templates["application/json"], "$context.error")])
    error_message = "No answer has API Gateway's unquoted error message, which may contain quotes."
  }

  assert {
    condition     = strcontains(aws_api_gateway_gateway_response.refusal["REQUEST_TOO_LARGE"].response_templates["application/json"], "1048576")
    error_message = "The limit is in the answer."
  }
}

run "refusals_are_those_in_the_documentation" {
  module {
    source = "./modules/api"
  }

  assert {
    condition = alltrue([for refusal in aws_api_gateway_gateway_response.refusal : strcontains(file("../docs/http-api.md"),
      "| ${refusal.status_code} | `${jsondecode(refusal.response_templates["application/json"]).type}` |"
    )])
    error_message = "docs/http-api.md has no row with status and type of: ${join(", ", [for name, refusal in aws_api_gateway_gateway_response.refusal : name
    if !strcontains(file("../docs/http-api.md"), "| ${refusal.status_code} | `${jsondecode(refusal.response_templates["application/json"]).type}` |")])}"
  }

  assert {
    condition     = aws_api_gateway_gateway_response.refusal["INTEGRATION_TIMEOUT"].status_code == "504" && aws_api_gateway_gateway_response.refusal["INTEGRATION_FAILURE"].status_code == "502" && aws_api_gateway_gateway_response.refusal["DEFAULT_5XX"].status_code == "502"
    error_message = "If it is unknown whether events were accepted, the answer is not 503, which says that none were."
  }
}

run "other_methods_and_the_health_check_are_answered_by_the_function" {
  module {
    source = "./modules/api"
  }

  assert {
    condition = alltrue([for path in ["events", "health"] :
      aws_api_gateway_method.any[path].http_method == "ANY" && aws_api_gateway_integration.any[path].type == "AWS_PROXY" && aws_api_gateway_integration.any[path].uri == var.function.invoke_arn
    ])
    error_message = "The function answers GET /health, and 405 with Allow, as it does on one machine."
  }

  assert {
    condition     = { for path, permission in aws_lambda_permission.any : path => permission.source_arn } == { for path in ["events", "health"] : path => "arn:aws:execute-api:eu-central-1:123456789012:mocked-api/v1/*/${path}" }
    error_message = "API Gateway may invoke the alias for these paths of this API and stage only."
  }
}

run "an_api_with_signatures_says_so_in_its_answer_to_an_unsigned_request" {
  module {
    source = "./modules/api"
  }

  variables {
    authorization = "AWS_IAM"
  }

  assert {
    condition     = aws_api_gateway_method.post_events.authorization == "AWS_IAM"
    error_message = "The method asks for a signature."
  }

  assert {
    condition     = aws_api_gateway_gateway_response.refusal["MISSING_AUTHENTICATION_TOKEN"].status_code == "403" && strcontains(aws_api_gateway_gateway_response.refusal["MISSING_AUTHENTICATION_TOKEN"].response_templates["application/json"], "Signature Version 4")
    error_message = "A request without a signature is refused as such, not as an unknown route."
  }

  assert {
    condition     = alltrue([for refusal in ["ACCESS_DENIED", "INVALID_SIGNATURE", "EXPIRED_TOKEN"] : aws_api_gateway_gateway_response.refusal[refusal].status_code == "403"])
    error_message = "A request with a wrong signature is answered with 403 and the reason."
  }
}

run "options_that_cost_more_are_off" {
  module {
    source = "./modules/api"
  }

  assert {
    condition     = length(aws_wafv2_web_acl.this) == 0 && length(aws_wafv2_web_acl_association.stage) == 0
    error_message = "There is no web ACL unless asked for."
  }

  assert {
    condition     = length(aws_cloudfront_distribution.this) == 0
    error_message = "There is no CloudFront distribution unless asked for."
  }

  assert {
    condition     = length(aws_api_gateway_domain_name.this) == 0 && length(aws_route53_record.domain) == 0
    error_message = "There is no custom domain unless asked for."
  }

  assert {
    condition     = output.topology.url == "https://mocked-api.execute-api.eu-central-1.amazonaws.com/v1/events"
    error_message = "The URL is the API's own."
  }
}

run "the_accounts_log_role_is_not_changed_if_another_stack_manages_it" {
  module {
    source = "./modules/api"
  }

  variables {
    manage_account_role = false
  }

  assert {
    condition     = length(aws_api_gateway_account.this) == 0 && length(aws_iam_role.logs) == 0
    error_message = "Neither the account's setting nor its role is created."
  }
}

run "a_web_acl_limits_addresses_and_never_refuses_an_event_for_its_content" {
  module {
    source = "./modules/api"
  }

  variables {
    waf = { requests_per_address = 5000 }
  }

  assert {
    condition     = aws_wafv2_web_acl_association.stage[0].resource_arn == aws_api_gateway_stage.this.arn
    error_message = "The web ACL guards the stage."
  }

  assert {
    condition     = anytrue([for rule in aws_wafv2_web_acl.this[0].rule : try(rule.statement[0].rate_based_statement[0].limit, 0) == 5000 && try(rule.statement[0].rate_based_statement[0].aggregate_key_type, "") == "IP"])
    error_message = "Requests from one address are limited."
  }

  assert {
    condition = alltrue(flatten([for rule in aws_wafv2_web_acl.this[0].rule : [
      for group in try(rule.statement[0].managed_rule_group_statement, []) : group.name != "AWSManagedRulesCommonRuleSet" || alltrue([
        for body_rule in ["SizeRestrictions_BODY", "EC2MetaDataSSRF_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "CrossSiteScripting_BODY"] :
        contains([for override in group.rule_action_override : override.name], body_rule)
        ]) && (group.name != "AWSManagedRulesKnownBadInputsRuleSet" || alltrue([
          for body_rule in ["Log4JRCE_BODY", "JavaDeserializationRCE_BODY", "ReactJSRCE_BODY"] : contains([for override in group.rule_action_override : override.name], body_rule)
      ]))
    ]]))
    error_message = "Rules that inspect bodies only count matches."
  }
}

run "a_custom_domain_is_the_url_and_gets_its_records" {
  module {
    source = "./modules/api"
  }

  variables {
    custom_domain = { name = "events.example.com", certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555", zone_id = "Z123" }
  }

  assert {
    condition     = output.topology.url == "https://events.example.com/events"
    error_message = "The URL has the domain name, without the stage."
  }

  assert {
    condition     = aws_api_gateway_domain_name.this[0].security_policy == "TLS_1_2"
    error_message = "The domain accepts TLS 1.2 and later only."
  }

  assert {
    condition     = toset(keys(aws_route53_record.domain)) == toset(["A", "AAAA"])
    error_message = "With a zone, the records are created."
  }
}

run "cloudfront_caches_nothing_and_speaks_only_https" {
  module {
    source = "./modules/api"
  }

  variables {
    waf        = { requests_per_address = 5000 }
    cloudfront = { aliases = [], certificate_arn = null, price_class = "PriceClass_100", web_acl_arn = null }
  }

  assert {
    condition     = aws_cloudfront_distribution.this[0].default_cache_behavior[0].viewer_protocol_policy == "https-only" && one(aws_cloudfront_distribution.this[0].origin).custom_origin_config[0].origin_protocol_policy == "https-only"
    error_message = "HTTPS from the sender to CloudFront and from there to the API."
  }

  assert {
    condition     = aws_cloudfront_distribution.this[0].default_cache_behavior[0].cache_policy_id == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    error_message = "Caching is disabled."
  }

  assert {
    condition     = output.topology.url == "https://mocked.cloudfront.net/events"
    error_message = "The URL is CloudFront's."
  }

  assert {
    condition     = anytrue([for rule in aws_wafv2_web_acl.this[0].rule : try(rule.statement[0].rate_based_statement[0].aggregate_key_type, "") == "FORWARDED_IP"])
    error_message = "Behind CloudFront the sender's address is in a header."
  }
}
