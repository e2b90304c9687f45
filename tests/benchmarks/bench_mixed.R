# Times lmerTest on the data of bench_mixed.py: Rscript bench_mixed.R DATA.csv
# Each line of the answer: what, CPU seconds, seconds on the clock, REML criterion, F of emotion:time, its denominator.
suppressPackageStartupMessages(library(lmerTest))
options(contrasts = c("contr.sum", "contr.poly"))
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
for (name in c("emotion", "drug", "subject", "face")) data[[name]] <- factor(data[[name]])

formula <- log_emg ~ emotion * drug * time + (emotion * time | subject) + (1 | face)

# lme4's refit keeps parts of the first response's REML criterion, and lmerTest then takes degrees of freedom from
# the first response: what is printed of it is therefore evaluated again, at the theta that refit found.
report <- function(what, response, work) {
  gc()
  seconds <- system.time(result <- suppressMessages(suppressWarnings(work())))
  row <- result$table["emotion:time", ]
  deviance <- lme4::lmer(update(formula, paste(response, "~ .")), data, devFunOnly = TRUE)
  cat(what, sum(seconds[c("user.self", "sys.self")]), seconds["elapsed"],
      sprintf("%.9f", deviance(getME(result$fit, "theta"))),
      sprintf("%.6f", row[["F value"]]), sprintf("%.4f", row[["DenDF"]]), "\n")
  result$fit
}
fit <- report("fit", "log_emg", function() {
  fit <- lmer(formula, data)
  table <- anova(fit)
  capture.output(print(summary(fit)))
  list(fit = fit, table = table)
})
again <- report("refit", "again", function() {
  fit <- as_lmerModLmerTest(refit(as(fit, "lmerMod"), data$again))
  list(fit = fit, table = anova(fit))
})
cat("versions", paste0("R-", getRversion()), paste0("lme4-", packageVersion("lme4")),
    paste0("lmerTest-", packageVersion("lmerTest")), "\n")
