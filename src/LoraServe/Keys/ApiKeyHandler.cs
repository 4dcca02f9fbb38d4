using System.Security.Claims;
using System.Text.Encodings.Web;
using LoraServe.Api;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace LoraServe.Keys;

/// <summary>
/// Authenticates by the header Authorization: Bearer KEY, or by x-api-key or api-key, which some clients send. Refusals have OpenAI's shape.
/// </summary>
internal sealed class ApiKeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory loggers,
    UrlEncoder encoder,
    KeyRing keys,
    AdminKey adminKey,
    KeylessAccess keyless) : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    /// <summary>The name of the scheme.</summary>
    public new const string Scheme = "ApiKey";

    private const string Bearer = "Bearer ";
    private static readonly string[] OtherHeaders = ["x-api-key", "api-key"];

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // Probes and pages need neither a key nor the disk; where there is no route there is nothing to protect.
        if (Context.GetEndpoint() is not RouteEndpoint route || route.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            return Task.FromResult(AuthenticateResult.NoResult());
        var (caller, refusal) = Authenticate();
        return Task.FromResult(caller is null
            ? AuthenticateResult.Fail(refusal!)
            : AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new CallerIdentity(caller)), Scheme)));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties) =>
        await ChallengeAsync((await HandleAuthenticateOnceSafeAsync()).Failure!.Message);

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var needed = Context.GetEndpoint()!.Metadata.GetOrderedMetadata<IAuthorizeData>()
            .Select(data => data.Policy).OfType<string>().Where(policy => KeyScopes.Find(policy) is not null);
        if (Context.User.Caller().IsAnonymous)
        {
            return ChallengeAsync(
                $"{Request.Method} {Request.Path} needs an API key of the scope {string.Join(", ", needed)}: on the server's machine, "
                    + "`keys create --name admin --scopes admin` makes one.");
        }

        return ErrorMapper.WriteAsync(Context, StatusCodes.Status403Forbidden, new ApiError
        {
            Message = $"{Request.Method} {Request.Path} needs the scope {string.Join(", ", needed)}, "
                + $"which '{Context.User.Caller().Name}' does not have.",
            Type = "permission_error",
            Param = null,
            Code = "missing_scope",
        });
    }

    private Task ChallengeAsync(string message)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return ErrorMapper.WriteAsync(Context, StatusCodes.Status401Unauthorized, new ApiError
        {
            Message = message,
            Type = "invalid_request_error",
            Param = null,
            Code = "invalid_api_key",
        });
    }

    private (Caller? Caller, string? Refusal) Authenticate()
    {
        if (Given() is not { } text) return keyless.Admit(Context);
        if (adminKey.IsSame(text)) return (Caller.AdminKeyFile, null);
        var (key, refusal) = keys.Authenticate(text);
        if (key is not null) return (Caller.Of(key), null);
        // Clients that insist on a key send any text to a server without keys. A real key means that they reached the wrong server.
        return keyless.HasKeys || KeySecret.FindId(text) is not null ? (null, refusal) : keyless.Admit(Context);
    }

    private string? Given()
    {
        var authorization = Request.Headers.Authorization.ToString();
        if (authorization.Length > 0)
            return authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization[Bearer.Length..].Trim() : authorization;
        return OtherHeaders.Select(name => Request.Headers[name].ToString()).FirstOrDefault(text => text.Length > 0);
    }
}
