"""Which settings Claude Code has, and of which type those are that decide what a laptop lets through.

The names are those of 2.1.197 and of the newest client that was looked at; a newer one may have more. Judging a
fragment by them is `settings`'.
"""

from __future__ import annotations

KEYS = frozenset(
    [
        *("$schema", "additionalDirectoryConfigRoots", "additionalMarketplaces", "advisorModel", "agent"),
        *("agentPushNotifEnabled", "allowAllClaudeAiMcps", "allowClaudeInChromeWithManagedMcp"),
        *("allowedChannelPlugins", "allowedHttpHookUrls", "allowedMarketplaces", "allowedMcpServers"),
        *("allowedProviders", "allowManagedHooksOnly", "allowManagedMcpServersOnly"),
        *("allowManagedPermissionRulesOnly", "allowNestedModelAccessUnderForceLogin", "alwaysThinkingEnabled"),
        *("apiKeyHelper", "appendPlugins", "askUserQuestionTimeout", "attribution", "attributionProject"),
        *("attributionProjectPolicy", "autoCompactEnabled", "autoCompactOfferAnswer", "autoCompactRaisedForLoad"),
        *("autoCompactWindow", "autoContinueAtUsageLimit", "autoDreamEnabled", "autoMemoryDirectory"),
        *("autoMemoryEnabled", "autoScrollEnabled", "autoUpdatesChannel", "autoUploadSessions"),
        *("availableModels", "availableModelsMatch", "awaySummaryEnabled", "awsAuthRefresh"),
        *("awsCredentialExport", "bashEditDiffEnabled", "bashOutputMaxChars", "blockedMarketplaces"),
        *("breakReminder", "channelsEnabled", "claudeMd", "claudeMdExcludes", "clawdFileProgressEnabled"),
        *("cleanupPeriodDays", "companyAnnouncements", "crossSessionInbound", "daemonColdStart", "defaultShell"),
        *("deniedMcpServers", "deniedModels", "desktopMcpServersListScope", "desktopSessionCleanupPeriodDays"),
        *("dialogExpiry", "disableAgentView", "disableAllHooks", "disableArtifact", "disableAutoMode"),
        *("disableBundledSkills", "disableClaudeAiConnectors", "disableCommandPluginSources"),
        *("disabledMcpjsonServers", "disableRemoteControl", "disableReplyCheck", "disableSideloadFlags"),
        *("disableSkillShellExecution", "disableWindowsBashCommandSplit", "disableWorkflows", "doneMeansMerged"),
        *("editorMode", "effortLevel", "emojiCompletionEnabled", "enableAllProjectMcpServers", "enableArtifact"),
        *("enabledMcpjsonServers", "enabledPlugins", "enableWorkflows", "enforceAvailableModels", "env"),
        *("extraKnownMarketplaces", "fallbackModel", "fastMode", "fastModePerSessionOptIn", "feedbackDrafts"),
        *("feedbackSurveyRate", "fileCheckpointingEnabled", "fileSuggestion", "footerLinksRegexes"),
        *("forceLoginGatewayUrl", "forceLoginMethod", "forceLoginOrgUUID", "forceRemoteSettingsRefresh"),
        *("gatewayInternalNetworks", "gcpAuthRefresh", "hooks", "httpHookAllowedEnvVars", "idleCompaction"),
        *("includeCoAuthoredBy", "includeGitInstructions", "inputNeededNotifEnabled", "isolatePeerMachines"),
        *("keybindingFlavor", "language", "managedMcpServers", "managedSourcesBehavior", "maxEffortLevel"),
        *("maxProseWidth", "minimumVersion", "model", "modelOverrides", "modelPicker", "modelPricing"),
        *("modelProposedGoals", "modelSettings", "otelHeadersHelper", "outputStyle", "parentSettingsBehavior"),
        *("permissions", "plansDirectory", "pluginConfigs", "pluginSuggestionMarketplaces", "pluginTrustMessage"),
        *("policyHelper", "policyHelpers", "precomputeArmTokens", "precomputeCompactionEnabled"),
        *("preferredNotifChannel", "prefersReducedMotion", "prependPlugins", "processWrapper", "promptCacheTtl"),
        *("promptSuggestionEnabled", "proxyAuthHelper", "prUrlTemplate", "quietHours", "remote", "remoteControl"),
        *("remoteControlAtStartup", "remoteMessageReceipts", "remoteTools", "requiredMaximumVersion"),
        *("requiredMinimumVersion", "respectGitignore", "respondToBashCommands", "responseComparisonEnabled"),
        *("sandbox", "showClearContextOnPlanAccept", "showMessageTimestamps", "showThinkingSummaries"),
        *("showTurnDuration", "skillListingBudgetFraction", "skillListingMaxDescChars", "skillOverrides"),
        *("skipDangerousModePermissionPrompt", "skipWebFetchPreflight", "skipWorkflowUsageWarning", "spellcheck"),
        *("spinnerTipsEnabled", "spinnerTipsOverride", "spinnerVerbs", "sshConfigs", "sshHostCommands"),
        *("statusLine", "strictKnownMarketplaces", "strictPluginOnlyCustomization", "subagentPromptCacheTtl"),
        *("subagentStatusLine", "switchModelsOnFlag", "syncClaudeAiPlugins", "syncClaudeAiSkills"),
        *("syntaxHighlightingDisabled", "taskOutputMaxChars", "teammateMode", "terminalProgressBarEnabled"),
        *("terminalTitleFromRename", "theme", "timeFormat", "timeZone", "todoFeatureEnabled"),
        *("totalTokensReminder", "totalTokensReminderAfterUserTurn", "totalTokensReminderBudget", "tui"),
        *("ultracode", "verbose", "viewMode", "vimInsertModeRemaps", "voice", "wheelScrollAccelerationEnabled"),
        *("workflowKeywordTriggerEnabled", "workflowSizeGuideline", "worktree", "wslInheritsWindowsSettings"),
        *("autoMode", "axScreenReader", "defaultView", "disableDeepLinkRegistration"),
        *("skipAutoPermissionPrompt", "useAutoModeDuringPlan", "voiceEnabled"),
    ]
)
"""Every top-level key of settings, of either version."""

PERMISSION_LISTS = ("allow", "ask", "deny")
"""Keys of `permissions` that hold rules such as `Bash(git log:*)`."""

PERMISSION_KEYS = frozenset(
    [*PERMISSION_LISTS, "additionalDirectories", "defaultMode", "disableAutoMode", "disableBypassPermissionsMode"]
)
"""Every key of `permissions`."""
