extension HelpTopic {
    static let paceText = """
        How fast a run submits and polls:

          --concurrency 25                    tasks in flight (default 5), also per model: model:seedance-2.0=8
          --rate 2/s                          submits per second, minute or hour
          --cadence adaptive                  polls when completion is likely, judged by past clips in this store
          dailies concurrency 10              changes the limit of an active run and of later ones

        Tasks are ordered by priority, then round-robin across batches, then by position in the manifest. A full or paused
        model does not block the others.

        The provider's own limit is found by its refusals (429): a burst finds it at once, then one more task is tried after
        a pause that doubles with each refusal, up to one hour. A model that is unavailable (503) is paused and probed. An
        empty wallet (402) pauses submission; tasks in flight continue. Ten content rejections in a row
        (--pause-after-rejections) stop submission with exit code 5.

        Render a few clips first, and continue only if they succeed:
          dailies run campaign.yaml --canary 5 --canary-success-rate 80 --canary-max-credits 4

        Retry free failures automatically. Without rules, --retries applies to every free failure; with --retry-rules FILE,
        the first rule that matches decides:
          dailies run campaign.yaml --retries 2 --retry-rules rules.json
          [{"code": "content_policy_violation", "then": "new_seed"}, {"text": "style_preset", "then": "skip"}]
        """
}
