using System.ComponentModel.DataAnnotations;
using System.Net;
using LoraServe.Hosting;
using LoraServe.Metrics;

namespace LoraServe.Api.Requests;

/// <summary>Validates the text of an option.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class TextRuleAttribute : ValidationAttribute
{
    /// <summary>What was expected and what was found; null if the text is valid.</summary>
    public abstract string? Fault(string text);

    public override bool IsValid(object? value) => value is not string text || Fault(text) is null;
}

/// <summary>A folder that exists.</summary>
internal sealed class ExistingFolderAttribute : TextRuleAttribute
{
    public override string? Fault(string text) => Directory.Exists(text) ? null : $"expected a folder that exists, found '{text}'";
}

/// <summary>A folder that exists or can be created.</summary>
internal sealed class FolderAttribute : TextRuleAttribute
{
    public override string? Fault(string text) => File.Exists(text) ? $"expected a folder, found the file '{text}'" : null;
}

/// <summary>The folder of a base model.</summary>
internal sealed class BaseModelAttribute : TextRuleAttribute
{
    public override string? Fault(string text) => ModelFolder.Fault(text);
}

/// <summary>Addresses of HTTP to listen on, separated by semicolons.</summary>
internal sealed class ListenAddressesAttribute : TextRuleAttribute
{
    public override string? Fault(string text) =>
        text.Split(';').All(IsAddress) ? null : $"expected addresses like http://localhost:8080, found '{text}'";

    private static bool IsAddress(string text)
    {
        try
        {
            var address = BindingAddress.Parse(text);
            return address.Scheme is "http" or "https" && address.PathBase.Length == 0 && address.Port <= IPEndPoint.MaxPort;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}

/// <summary>The address of a collector of OTLP.</summary>
internal sealed class OtlpAddressAttribute : TextRuleAttribute
{
    public override string? Fault(string text) =>
        Telemetry.IsEndpoint(text) ? null : $"expected an address like http://localhost:4317, found '{text}'";
}

/// <summary>Origins of web pages, separated by semicolons.</summary>
internal sealed class OriginsAttribute : TextRuleAttribute
{
    public override string? Fault(string text) =>
        text.Split(';').All(IsOrigin) ? null : $"expected origins like https://app.example.com, without a path, found '{text}'";

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text.Trim(), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
        && uri.GetLeftPart(UriPartial.Authority) == text.Trim();
}

/// <summary>A path of a URL.</summary>
internal sealed class UrlPathAttribute : TextRuleAttribute
{
    public override string? Fault(string text) => ForwardedPrefix.IsPath(text)
        ? null
        : $"expected a path such as /lora of letters, digits, '.', '_', '~' and '-', without a slash at its end, found '{text}'";
}

/// <summary>Proxies, separated by semicolons.</summary>
internal sealed class ProxiesAttribute : TextRuleAttribute
{
    public override string? Fault(string text) =>
        TrustedProxies.TryParse(text) is null ? $"expected loopback, none, addresses or networks such as 10.0.0.0/8, found '{text}'" : null;
}
