namespace LoraServe.Text.Templates.Values;

/// <summary>
/// The value of a missing name, attribute or item. It prints as nothing, is false and empty, and any other use throws
/// the fault that it carries.
/// </summary>
internal sealed class Undefined(Func<string> fault)
{
    /// <summary>Why it is undefined.</summary>
    public string Fault => fault();

    /// <summary>No variable of this name.</summary>
    public static Undefined Name(string name) => new(() => $"'{name}' is undefined");

    /// <summary>No such attribute or item.</summary>
    public static Undefined Member(object owner, object key) => new(() => key is string name
        ? $"'{TypeName.OfOwner(owner)}' has no attribute '{(name.Length > 100 ? name[..100] : name)}'"
        : $"{TypeName.OfOwner(owner)} has no element {(key is long or double or bool ? key : TypeName.Of(key))}");

    /// <summary>An attribute that the sandbox hides.</summary>
    public static Undefined Unsafe(object owner, string name) =>
        new(() => $"access to attribute '{name}' of '{TypeName.Of(owner)}' object is unsafe.");

    /// <summary>The exception to throw when it is used.</summary>
    public ChatTemplateException Exception() => new(Fault);
}
