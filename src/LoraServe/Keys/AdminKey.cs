using LoraServe.Text.Files;
using Microsoft.Extensions.Options;

namespace LoraServe.Keys;

/// <summary>
/// A key that the operator keeps in a file, such as a secret of Kubernetes. It may do everything, and only its hash stays in memory.
/// </summary>
internal sealed class AdminKey
{
    private const int MinLength = 32;
    private const int MaxLength = 1024;

    private readonly byte[]? _hash;

    private AdminKey(byte[]? hash) => _hash = hash;

    /// <summary>Whether there is one.</summary>
    public bool Exists => _hash is not null;

    /// <summary>Reads the file; without a path there is no such key.</summary>
    /// <exception cref="OptionsValidationException">The file cannot be read, or holds no key.</exception>
    public static AdminKey Read(string? path)
    {
        if (path is null) return new AdminKey(null);
        try
        {
            RegularFile.Check(path);
            var text = File.ReadAllText(path).Trim();
            var isKey = text.Length is >= MinLength and <= MaxLength && text.All(letter => letter is > ' ' and <= '~');
            return isKey ? new AdminKey(KeySecret.Hash(text)) : throw Invalid(
                $"expected a file with one line of {MinLength} to {MaxLength} printable characters, found {text.Length} characters");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Invalid(e.Message);
        }
    }

    /// <summary>Whether a text is this key.</summary>
    public bool IsSame(string text) => _hash is not null && KeySecret.IsSame(KeySecret.Hash(text), _hash);

    private static OptionsValidationException Invalid(string fault) =>
        new(LoraServeOptions.Section, typeof(LoraServeOptions), [$"--admin-key-file: {fault}"]);
}
