namespace LoraServe.Text.Tokenizers.PreTokenization;

/// <summary>Where the matches of a pattern go when text is split at them.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

internal static class SplitBehaviorReader
{
    public static SplitBehavior Read(JsonField field) => field.AsText() switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        _ => throw field.Expected("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous"),
    };
}
