namespace LoraServe.Engine.Adapters;

/// <summary>
/// The rule for names of adapters: an ASCII letter or digit, then letters, digits, '.', '_' or '-', never two dots in a row, at most 128
/// characters. Upper and lower case are different.
/// </summary>
public static class AdapterName
{
    /// <summary>The rule in words.</summary>
    public const string Rule = "a letter or digit, then letters, digits, '.', '_' or '-', no two dots in a row, at most 128 characters";

    /// <summary>Most characters.</summary>
    internal const int MaxLength = 128;

    /// <summary>Whether an adapter may have this name.</summary>
    public static bool IsValid(string name) =>
        name.Length is > 0 and <= MaxLength
        && char.IsAsciiLetterOrDigit(name[0])
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-')
        && !name.Contains("..");
}
