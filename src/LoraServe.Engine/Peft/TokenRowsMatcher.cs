using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Peft;

/// <summary>Matches the rows of trained tokens with the embedding or the output head.</summary>
internal sealed class TokenRowsMatcher(PeftConfig config, ModelModules modules, PeftTensors tensors, PeftFaults faults)
{
    /// <summary>
    /// Rows by the path of their module. If the base ties the head to the embedding, the embedding's rows apply to the head too, as in PEFT.
    /// </summary>
    /// <param name="targets">Modules with LoRA, which cannot also have trained tokens.</param>
    public IReadOnlyDictionary<string, TokenRows> Match(IReadOnlyList<LinearModule> targets)
    {
        var matched = new Dictionary<string, TokenRows>(StringComparer.Ordinal);
        foreach (var tokens in config.TrainableTokens)
        {
            if (PathOf(tokens) is not { } path || !AreIds(tokens)) continue;
            var rows = tensors.Require(
                path, PeftRole.TokenRows, "trainable_token_indices asks for it", tokens.Ids.Count, modules.HeadModule.InFeatures);
            if (rows is null) continue;
            var trained = new TokenRows(tokens.Ids, rows);
            Add(path, trained);
            if (modules.TiesHead && path == modules.Embedding.Path) Add(modules.Head, trained);
        }

        return matched;

        void Add(string path, TokenRows rows)
        {
            if (targets.Any(target => target.Path == path) || config.Saved.Contains(path) || !matched.TryAdd(path, rows))
                Fault($"{path} is trained in another way too");
        }
    }

    private string? PathOf(TrainableTokens tokens)
    {
        string[] paths = [modules.Embedding.Path, modules.Head];
        if (tokens.Module.Length > 0 && Array.Find(paths, path => path.EndsWith(tokens.Module, StringComparison.Ordinal)) is { } found)
            return found;
        Fault($"expected {modules.Embedding.Path} or {modules.Head}, found '{FaultText.Shorten(tokens.Module)}'");
        return null;
    }

    private bool AreIds(TrainableTokens tokens)
    {
        var outside = tokens.Ids.Where(id => id < 0 || id >= modules.VocabularySize).ToList();
        var twice = tokens.Ids.GroupBy(id => id).FirstOrDefault(group => group.Count() > 1);
        if (outside.Count > 0) Fault($"token {outside[0]} is not in the base's vocabulary of {modules.VocabularySize}");
        if (twice is not null) Fault($"token {twice.Key} appears twice");
        return outside.Count == 0 && twice is null;
    }

    private void Fault(string fault) => faults.Incompatible($"{PeftConfig.FileName}: trainable_token_indices: {fault}");
}
