namespace LoraServe.Text.Templates.Values;

/// <summary>Python's None.</summary>
internal sealed class None
{
    private None()
    {
    }

    /// <summary>The only one.</summary>
    public static None Value { get; } = new();
}
