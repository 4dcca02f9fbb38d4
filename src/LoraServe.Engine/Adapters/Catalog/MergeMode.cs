namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>Whether tokens of an adapter run on weights with the adapter merged into them, or on the base with the adapter beside it.</summary>
public enum MergeMode
{
    /// <summary>Whichever the engine finds faster, step by step.</summary>
    Auto,

    /// <summary>Always on merged weights.</summary>
    Merged,

    /// <summary>Always beside the base: the same rounding whatever else the server does.</summary>
    Unmerged,
}
