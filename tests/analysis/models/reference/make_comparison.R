# Makes comparison_loo.json: what R's loo (2.5.1) says of log-likelihoods that the test builds again by itself.
#
#   Rscript make_comparison.R        (needs the packages loo and jsonlite)
#
# All numbers come from Lehmer's generator, x <- 16807 x mod (2^31 - 1), which is exact in both languages.
suppressMessages({library(loo); library(jsonlite)})
options(digits = 17)

normals <- function(n, seed) {
  x <- seed
  u <- numeric(n)
  for (i in seq_len(n)) {
    x <- (16807 * x) %% 2147483647
    u[i] <- x / 2147483647
  }
  qnorm(u)
}

# Draws of (intercept, slope, curvature, log sd) as autoregressive chains around their centres: a posterior of
# which only the log-likelihood matters. Array (draw, chain, unit), as loo wants it.
log_likelihood <- function(model, y, x, n_chains, n_draws) {
  z <- array(normals(4 * n_chains * n_draws, model$seed), c(4, n_draws, n_chains))
  rho <- model$rho
  for (t in 2:n_draws) z[, t, ] <- rho * z[, t - 1, ] + sqrt(1 - rho^2) * z[, t, ]
  ll <- array(0, c(n_draws, n_chains, length(y)))
  for (chain in seq_len(n_chains)) for (t in seq_len(n_draws)) {
    p <- model$centre + model$spread * z[, t, chain]
    ll[t, chain, ] <- dnorm(y, p[1] + p[2] * x + p[3] * x^2, exp(p[4]), log = TRUE)
  }
  ll
}

models <- list(
  flat = list(seed = 11, rho = 0.2, centre = c(0.5, 0, 0, 0.2), spread = c(0.17, 0, 0, 0.11)),
  line = list(seed = 22, rho = 0.5, centre = c(0.5, 0.25, 0, 0.15), spread = c(0.16, 0.13, 0, 0.11)),
  curve = list(seed = 33, rho = 0.8, centre = c(0.55, 0.25, -0.05, 0.15), spread = c(0.18, 0.13, 0.05, 0.11))
)
cases <- list(
  short = list(n_chains = 4, n_draws = 60, outlier = 0),
  long = list(n_chains = 4, n_draws = 1000, outlier = 0),
  outlier = list(n_chains = 2, n_draws = 500, outlier = 4)
)
n <- 40
x <- normals(n, 101)
noise <- normals(n, 202)

described <- function(case) {
  y <- 0.5 + 0.25 * x + noise
  y[1] <- y[1] + case$outlier
  ll <- lapply(models, log_likelihood, y = y, x = x, n_chains = case$n_chains, n_draws = case$n_draws)
  per_model <- lapply(ll, function(l) {
    r_eff <- relative_eff(exp(l))
    w <- suppressWarnings(waic(l))
    lo <- suppressWarnings(loo(l, r_eff = r_eff))
    lo1 <- suppressWarnings(loo(l, r_eff = rep(1, n)))
    list(
      r_eff = r_eff,
      waic = w$pointwise[, "elpd_waic"], p_waic = w$pointwise[, "p_waic"], se_waic = w$estimates["elpd_waic", "SE"],
      loo = lo$pointwise[, "elpd_loo"], p_loo = lo$pointwise[, "p_loo"], se_loo = lo$estimates["elpd_loo", "SE"],
      k = lo$diagnostics$pareto_k, loo_r1 = lo1$pointwise[, "elpd_loo"], k_r1 = lo1$diagnostics$pareto_k
    )
  })
  loos <- lapply(ll, function(l) suppressWarnings(loo(l, r_eff = relative_eff(exp(l)))))
  pointwise <- sapply(loos, function(l) l$pointwise[, "elpd_loo"])
  compared <- loo_compare(loos)
  set.seed(1)
  list(
    case = case, models = per_model,
    order = rownames(compared), diff = as.numeric(compared[, "elpd_diff"]), se_diff = as.numeric(compared[, "se_diff"]),
    pseudo_bma = as.numeric(pseudobma_weights(pointwise, BB = FALSE)),
    pseudo_bma_plus = as.numeric(pseudobma_weights(pointwise, BB = TRUE, BB_n = 400000)),
    stacking = as.numeric(
      stacking_weights(pointwise, optim_method = "BFGS", optim_control = list(reltol = 1e-14))
    )
  )
}

# Weights of models of which each predicts some units best.
mixed <- matrix(0.4 * normals(60 * 4, 303), ncol = 4, byrow = TRUE)
set.seed(2)
weights <- list(
  n_units = 60, n_models = 4, seed = 303, scale = 0.4,
  pseudo_bma_plus = as.numeric(pseudobma_weights(mixed, BB = TRUE, BB_n = 400000)),
  stacking = as.numeric(stacking_weights(mixed, optim_method = "BFGS", optim_control = list(reltol = 1e-14)))
)

reference <- list(
  r = R.version.string, loo = as.character(packageVersion("loo")),
  models = models, n = n, cases = lapply(cases, described), weights = weights
)
script <- sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))
writeLines(toJSON(reference, digits = 15, auto_unbox = TRUE), file.path(dirname(script), "comparison_loo.json"))
