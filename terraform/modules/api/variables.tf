variable "name" {
  description = "Name of the API."
  type        = string
}

variable "stage" {
  description = "Name of its stage, the first part of the path in its own URL."
  type        = string
}

variable "function" {
  description = "Function, and alias of it, that answers."
  type        = object({ name = string, alias = string, invoke_arn = string })
}

variable "authorization" {
  description = "NONE or AWS_IAM."
  type        = string
}

variable "throttle" {
  description = "Requests a second on average, and the burst."
  type        = object({ rate_per_s = number, burst = number })
}

variable "max_request_bytes" {
  description = "Largest request in bytes, which the function enforces. The API's answer to more than its own 10 MB names it."
  type        = number
}

variable "custom_domain" {
  description = "Custom domain name, its certificate in this region and, if its records should be made, its Route 53 zone; or null."
  type        = object({ name = string, certificate_arn = string, zone_id = string })
}

variable "waf" {
  description = "Web ACL on the stage: requests in 5 minutes from one address; or null."
  type        = object({ requests_per_address = number })
}

variable "cloudfront" {
  description = "CloudFront distribution: names, their certificate in us-east-1, price class, web ACL for the edge; or null."
  type = object({
    aliases         = list(string)
    certificate_arn = string
    price_class     = string
    web_acl_arn     = string
  })
}

variable "manage_account_role" {
  description = "Whether to set the role by which all REST APIs of the account write logs."
  type        = bool
}

variable "log_retention_days" {
  description = "Days that access logs are kept."
  type        = number
}

variable "region" {
  description = "Region of the API."
  type        = string
}

variable "partition" {
  description = "AWS partition, such as aws."
  type        = string
}

variable "dns_suffix" {
  description = "Domain of AWS in the partition, such as amazonaws.com."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the access logs."
  type        = string
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
}
