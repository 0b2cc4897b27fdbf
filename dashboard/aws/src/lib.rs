//! What the dashboard reads, from CloudWatch, X-Ray and Budgets.
